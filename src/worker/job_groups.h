#pragma once
// The groups and limits of attempts: made here, before there is a supervisor, through the one governance core.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "govern/attacher.h"
#include "model/limits.h"
#include "supervisor/link.h"

namespace ffrtmp::worker {

struct JobGroups {
  govern::Governed governed;                // what remove() needs
  std::vector<govern::LimitReport> limits;  // as read back before anybody is in them
  std::string cgroup;                       // of supervisor::Plan, as the next two
  std::vector<supervisor::JoinedGroup> joins;
  std::string oom_file;
};

// Any thread.
class JobGovernor {
 public:
  // The calling process is where jobs are born; where its group was delegated to it (systemd), it leaves it for a leaf.
  [[nodiscard]] static Result<std::unique_ptr<JobGovernor>> open(const sys::Host& host);

  // Never fails: a limit that cannot be is told in `limits`, and a job without groups is supervised by signals.
  [[nodiscard]] JobGroups make(const std::string& attempt, const model::Limits& limits);
  // Groups without processes; the supervisor has most often removed its own.
  void remove(const JobGroups& groups);
  // Of an attempt whose worker died: it may not have written down yet what it made.
  void remove_left(const std::string& attempt);

 private:
  JobGovernor(govern::AttacherSettings settings, sys::ProcessKey self);
  [[nodiscard]] Result<govern::Prepared> prepare(const std::string& attempt, const model::Limits& limits);

  govern::AttacherSettings settings_;
  sys::ProcessKey self_;
  std::mutex mutex_;
  govern::Attacher attacher_;
};

}  // namespace ffrtmp::worker
