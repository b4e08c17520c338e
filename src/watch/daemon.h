#pragma once
// `ffrtmp watch`: everything of this folder in one process.
//
//   loop thread    events, scans, attaches, reconciling, signals, timers; SCHED_FIFO while it waits for events
//   server thread  /metrics /healthz /readyz from what is shared; the other routes are handed to the loop
//   writer thread  the state file
//
// A loop that hangs is seen by the server thread: health goes by the age of the last good scan.
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "govern/attacher.h"
#include "net/server.h"
#include "sys/notify.h"
#include "sys/user_names.h"
#include "watch/api_view.h"
#include "watch/discovery.h"
#include "watch/gate.h"
#include "watch/governor.h"
#include "watch/health_reply.h"
#include "watch/settings.h"
#include "watch/state_writer.h"

namespace ffrtmp::watch {

class Daemon {
 public:
  // Signals must be blocked in every thread before (see block_signals).
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> start(WatchSettings settings);
  ~Daemon();

  // Until a stop signal; the process's exit code.
  int run();
  // One scan, limits stay; 1 if an attach failed. `decisions`: what is tracked, as JSON.
  int run_once(std::string* decisions);

 private:
  explicit Daemon(WatchSettings settings);
  [[nodiscard]] Status prepare();
  [[nodiscard]] Status take_locks();
  [[nodiscard]] Status load();
  [[nodiscard]] Status open_events();
  void open_gate();
  [[nodiscard]] std::vector<std::string> gate_paths() const;
  [[nodiscard]] Status start_server();
  void enter_leaf() const;
  [[nodiscard]] Status watch_signals();
  void announce() const;

  void first_scan();
  void scan_on_time();
  void reconcile_on_time();
  void reconcile_slice();
  void flush_on_time();
  void beat();
  void on_signal();
  void reload();
  void stop(int signal);

  void handle(net::Request request, const net::Respond& respond);
  [[nodiscard]] DaemonFacts facts() const;
  [[nodiscard]] net::Response answer(const std::string& path);
  [[nodiscard]] StatusView status_view();
  [[nodiscard]] std::vector<ProcessView> process_views();
  [[nodiscard]] std::vector<RetryView> retry_views() const;
  [[nodiscard]] net::Response take_result(const std::string& body);
  [[nodiscard]] std::string state_text() const;

  WatchSettings settings_;
  std::shared_ptr<const govern::Policy> policy_;
  SystemClock clock_;
  sys::Host host_;
  sys::CgroupLayout layout_;
  std::string boot_id_;
  pid_t self_ = 0;
  UtcTime started_at_{};
  BootTime started_{};
  std::string events_state_ = "off";
  std::string events_reason_;

  sys::Fd runtime_lock_, state_lock_, signals_;
  std::unique_ptr<Reactor> reactor_;
  Metrics metrics_;
  std::optional<HealthMonitor> health_;
  sys::Realtime realtime_;
  sys::UserNames names_;
  sys::Notifier notifier_;
  std::optional<sys::ProcScanner> scanner_;
  std::optional<govern::Attacher> attacher_;
  std::optional<Examiner> examiner_;
  std::optional<Governor> governor_;
  std::optional<Discovery> discovery_;
  std::optional<Gate> gate_;
  std::unique_ptr<StateWriter> writer_;
  std::uint64_t written_version_ = 0;
  std::uint64_t written_scans_ = 0;
  std::atomic<bool> is_ready_{false};
  std::atomic<bool> is_stopping_{false};
  int generation_ = 0;           // of the policy: timers of an older one do nothing
  bool is_reconciling_ = false;  // a round is not at its end, its next slice is due
  bool has_stopped_ = false;
  std::unique_ptr<net::Server> server_;  // last: its thread uses the rest
};

// SIGTERM, SIGINT, SIGHUP for the daemon's descriptor, SIGPIPE ignored. Before the first thread.
void block_signals();

}  // namespace ffrtmp::watch
