#pragma once
// How run and attach tell what came of a job: lines on stderr, one document on stdout, a copy to the watch daemon.
#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "govern/attacher.h"
#include "govern/job_result.h"

namespace ffrtmp::launch {

void say(std::string_view line);  // to stderr

// Start and identity of a job, kept until its result is due.
struct Job {
  std::string mode;
  std::string job_id;
  std::string intent;
  bool sla_eligible = false;
  pid_t pid = 0;
  Now start;
};
[[nodiscard]] govern::JobResult make_result(const Job& job, const govern::JobEnd& end,
                                            const govern::AttachOutcome& outcome, const std::string& cgroup,
                                            const Now& now);
// One line for each limit that is not as asked, and why.
void say_shortfalls(const govern::AttachOutcome& outcome);
// The lines of contract: Job, PID, Exit Code, Duration, Platform SLA.
void say_summary(const govern::JobResult& result);
// As the one document on stdout when asked to, and to the daemon: best effort, within 200 ms, as it may not be there.
void publish(const govern::JobResult& result, bool as_document, const std::string& runtime_dir);

}  // namespace ffrtmp::launch
