#pragma once
// How processes are found. Two layers, one truth: events of the kernel say what was executed just now, the periodic
// scan says what is there. Both ask the examiner; what matches goes to the governor.
//
//   exec event --> names --> examine --+--> admit
//   scan -------> stat ----> examine --+--> wait until min_runtime, then once more
//                                      +--> leave alone; seen again only when it executes anew or its verdict may
//                                      change
//   lost events, exec of a known pid: the same again
//
// Exits wake nobody: a pidfd tells the end of a tracked process, and its status is then looked up among those that
// wait.
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "govern/policy.h"
#include "sys/proc_events.h"
#include "sys/proc_scan.h"
#include "sys/realtime.h"
#include "watch/examiner.h"
#include "watch/governor.h"
#include "watch/health_monitor.h"
#include "watch/metrics.h"
#include "watch/reactor.h"

namespace ffrtmp::watch {

class Discovery {
 public:
  struct Context {
    const Clock& clock;
    sys::ProcScanner& scanner;
    Examiner& examiner;
    Governor& governor;
    Metrics& metrics;
    HealthMonitor& health;
    Reactor& reactor;
    sys::Realtime& realtime;
  };
  Discovery(Context context, std::shared_ptr<const govern::Policy> policy);

  // Subscribes; before the first scan, so that nothing falls between the two.
  [[nodiscard]] Status open_events(const sys::ProcEvents::Options& options);
  // Something is about to execute a program of the policy; when this returns its limits are in force, if it is meant.
  void on_gate(pid_t pid, const std::string& path, const std::string& named);
  // Looks at all processes. False when it failed.
  bool scan();
  // Everything left alone so far is looked at again by the next scan.
  void use(std::shared_ptr<const govern::Policy> policy);
  // No more is admitted.
  void stop() { is_stopped_ = true; }

  struct Reading {
    std::optional<UtcTime> last_scan_at;
    double last_scan_seconds = 0;
    std::uint64_t scans = 0;
    std::uint64_t exec_events = 0;
    std::uint64_t exit_events = 0;
    std::uint64_t resyncs = 0;
  };
  [[nodiscard]] const Reading& reading() const { return reading_; }

 private:
  // A process that is not governed, and what would make another look worth its cost.
  struct Known {
    std::uint64_t start_ticks = 0;
    std::uint64_t exec_stamp = 0;
    std::uint32_t scan = 0;   // the last one that saw it
    bool may_change = false;  // its verdict rests on more than its program and its age
  };
  [[nodiscard]] Status look_at_all(std::vector<Examined>& matches);
  [[nodiscard]] Status visit(pid_t pid, Examiner::Walk& walk, std::vector<Examined>& matches);
  // Of a process that was met before: whether it has to be looked at anew.
  [[nodiscard]] bool has_changed(const sys::ProcLine& line);
  void remember(const Examined& seen);
  void wait_for(const Examined& young);
  void look_again(const sys::ProcessKey& key);
  void admit(std::vector<Examined>& matches, Governor::Source source, std::optional<std::chrono::nanoseconds> exec_at);
  void read_execs();
  // Notes the status of tracked processes that have ended.
  void read_exits();
  void on_exec(const sys::ProcEvent& event);
  // `at`: the event's time on the clock of entries.
  void on_exit(const sys::ProcEvent& event, BootTime at);
  void drop_vanished();

  Context context_;
  std::shared_ptr<const govern::Policy> policy_;
  std::optional<sys::ProcEvents> execs_;
  std::optional<sys::ProcEvents> exits_;
  std::unordered_map<pid_t, Known> known_;
  std::vector<sys::ProcEvent> batch_;
  std::size_t execs_since_exits_ = 0;
  Reading reading_;
  std::size_t found_since_scan_ = 0;
  bool is_stopped_ = false;
};

}  // namespace ffrtmp::watch
