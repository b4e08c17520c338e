#include "cli/watch_job.h"

#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/job_text.h"
#include "cli/log_follower.h"
#include "cli/poll_pace.h"

namespace ffrtmp::cli {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kLineEvery{10};

// What is shown on stderr while a job runs.
class Display {
 public:
  explicit Display(bool is_silent) : is_silent_(is_silent), is_terminal_(isatty(STDERR_FILENO) == 1) {}
  ~Display() { clear(); }
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  void show(const api::Job& job) {
    if (is_silent_) return;
    if (is_terminal_) {
      std::fprintf(stderr, "\r\x1b[K%s", progress_bar(job).c_str());
      std::fflush(stderr);
      has_bar_ = true;
    } else if (Steady::now() >= next_line_) {
      std::fprintf(stderr, "%s\n", progress_line(job).c_str());
      next_line_ = Steady::now() + kLineEvery;
    }
  }

  void clear() {
    if (has_bar_) std::fputs("\r\x1b[K", stderr);
    has_bar_ = false;
  }

 private:
  bool is_silent_;
  bool is_terminal_;
  bool has_bar_ = false;
  Steady::time_point next_line_{};  // the first at once
};

bool is_passing(const Error& error) {
  return error.code == Errc::kUnavailable || error.code == Errc::kTimeout || error.code == Errc::kStoreUnavailable ||
         error.code == Errc::kTooManyRequests;
}

}  // namespace

Result<Watched> watch_job(Session& session, const std::string& ref, bool with_log) {
  const Interrupt interrupt;
  Display display(with_log);
  LogFollower log(session.client(), ref);
  Watched watched;
  PollPace pace;
  std::optional<model::Phase> phase;
  auto last_answer = Steady::now();
  for (;;) {
    auto job = session.client().job(ref);
    if (job) {
      watched.job = std::move(*job);
      last_answer = Steady::now();
      display.show(watched.job.value);
      if (const auto& progress = watched.job.value.progress) phase = progress->phase;
      if (with_log) FFRTMP_TRY(log.print_new(0));
      if (model::is_ended(watched.job.value.status)) return watched;
    } else if (!interrupt.came() && (!is_passing(job.error()) || Steady::now() - last_answer > session.timeout())) {
      return std::move(job).error();
    }
    interrupt.sleep(pace.pause(Steady::now(), phase));
    if (interrupt.came()) {
      watched.is_interrupted = true;
      return watched;
    }
  }
}

}  // namespace ffrtmp::cli
