#pragma once
// The worker's side of a supervisor: starts one, finds one again after a crash, asks and tells it.
//
// Layout of an attempt's directory, <state-dir>/attempts/<attempt uuid>/ (0700):
//   plan.json      what to run (Plan), written by the worker before the start
//   control.sock   SOCK_SEQPACKET; requests and replies one JSON line each
//   supervisor.json  who supervises (pid, start ticks, boot, group), written by the supervisor before all else
//   supervisor.err its own complaints
//   log            spool of the engine's stdout and stderr: first head_bytes and last tail_bytes kept (spool.h)
//   progress       the latest -progress block, replaced by rename at most once a second
//   exit.json      Exit, written by rename and flushed when nothing of the engine is left; the supervisor ends after it
//   worker.json    the worker's own notes of the attempt (worker/attempt_dir.h)
#include <boost/describe.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ffrtmp::supervisor {

// Names the attempt in the environment of its supervisor and of all its engine starts: what a census goes by.
inline constexpr const char* kAttemptVariable = "FFRTMP_ATTEMPT";

// A group of a hierarchy in which nobody can be born (v1), and where a process goes that leaves it.
struct JoinedGroup {
  std::string directory;
  std::string home;
};
BOOST_DESCRIBE_STRUCT(JoinedGroup, (), (directory, home))

// How the engine tells how far it is: ffmpeg on a pipe of its own, GStreamer on stdout (gstreamer_progress.h).
enum class ProgressFormat : std::uint8_t { kFfmpeg, kGstreamer };
BOOST_DESCRIBE_ENUM(ProgressFormat, kFfmpeg, kGstreamer)

// All groups are there when the supervisor starts, with their limits; it removes them at its end.
struct Plan {
  std::string attempt;            // UUID text
  std::vector<std::string> argv;  // argv[0] is the program; "{progress}" in an item becomes "pipe:N"
  ProgressFormat progress_format = ProgressFormat::kFfmpeg;
  std::string cwd;
  std::vector<std::string> env;  // NAME=value, the whole environment
  std::string cgroup;            // directory of its unified group; empty: none, signals only
  std::vector<JoinedGroup> joins;
  std::string oom_file;  // whose key oom_kill counts what the kernel killed in those groups; empty: none
  bool confined = false;  // may reach nothing of the file system but the next three (sys/confinement.h)
  std::vector<std::string> readable;
  std::vector<std::string> writable;
  std::vector<std::string> writable_trees;
  int nice = 10;
  std::int64_t fence_boot_ns = 0;   // CLOCK_BOOTTIME: freeze (file jobs) or kill (live ones) unless renewed; 0: never
  std::int64_t fence_stop_ms = 1000;  // killed when it does not stand still so long after the fence
  bool live_output = false;         // killed at the fence instead of frozen
  std::int64_t stall_ms = 120'000;  // no change of frame, out_time, size and no CPU time for so long; 0: off
  std::int64_t deadline_ms = 0;     // running time, pauses and fences not counted; 0: none
  std::int64_t kill_grace_ms = 10'000;     // SIGTERM to SIGKILL after stall or deadline
  std::int64_t frozen_limit_ms = 600'000;  // frozen by the fence for so long: killed
  std::int64_t log_head_bytes = 1 << 20;
  std::int64_t log_tail_bytes = 3 << 20;
  std::vector<std::string> watched_paths;  // files and directories whose bytes count against max_disk_bytes
  std::int64_t max_disk_bytes = 0;         // 0: none
};
BOOST_DESCRIBE_STRUCT(Plan, (),
                      (attempt, argv, progress_format, cwd, env, cgroup, joins, oom_file, confined, readable, writable,
                       writable_trees, nice, fence_boot_ns, fence_stop_ms, live_output, stall_ms, deadline_ms,
                       kill_grace_ms, frozen_limit_ms, log_head_bytes, log_tail_bytes, watched_paths, max_disk_bytes))

enum class EndCause : std::uint8_t { kExited, kCanceled, kStalled, kDeadline, kFenced, kDiskLimit, kStartFailed };
BOOST_DESCRIBE_ENUM(EndCause, kExited, kCanceled, kStalled, kDeadline, kFenced, kDiskLimit, kStartFailed)

struct Exit {
  EndCause cause = EndCause::kExited;
  std::optional<int> exit_code;
  std::optional<int> signal;
  bool graceful = true;    // of a cancel: the engine ended within the grace
  double run_seconds = 0;  // wall, from exec to the end
  double cpu_seconds = 0;  // of the whole tree
  std::int64_t max_rss_bytes = 0;
  std::int64_t oom_kills = 0;         // by the kernel, in its groups
  std::vector<std::string> unjoined;  // directories of groups in which it was not, although it should
  std::string error;                  // of kStartFailed
  std::string last_progress;  // the final -progress block, "key=value" lines
};
BOOST_DESCRIBE_STRUCT(Exit, (),
                      (cause, exit_code, signal, graceful, run_seconds, cpu_seconds, max_rss_bytes, oom_kills, unjoined, error,
                       last_progress))

// What a supervisor answers to every request.
struct State {
  bool started = false;               // the engine's exec succeeded
  bool frozen = false;                // by pause or fence: no process of it runs, as read from the kernel
  std::int64_t log_end = 0;           // offset behind the last byte of the log
  std::int64_t log_dropped_from = 0;  // [from, to) is not kept
  std::int64_t log_dropped_to = 0;
  std::string progress;      // latest block, "key=value" lines
  std::optional<Exit> exit;  // all is over
};
BOOST_DESCRIBE_STRUCT(State, (), (started, frozen, log_end, log_dropped_from, log_dropped_to, progress, exit))

class Link {
 public:
  // Connects to the supervisor of DIR left by an earlier worker. When it has ended, exit.json speaks for it; kGone when
  // there is neither.
  [[nodiscard]] static Result<std::unique_ptr<Link>> adopt(const std::string& dir);
  virtual ~Link() = default;  // the supervisor goes on

  // Waits up to `wait` for a change worth telling (progress, log, end), then answers. One thread.
  [[nodiscard]] virtual Result<State> poll(std::chrono::milliseconds wait) = 0;
  // These may be called from any thread. A supervisor that has ended takes them as done.
  virtual Status renew(BootTime fence) = 0;  // thaws what only the fence froze
  // Ok when it is done. kIo: not yet, some process sleeps in the kernel; State::frozen will tell.
  virtual Status pause() = 0;
  virtual Status resume() = 0;
  // Thaw, SIGTERM to all, SIGKILL after the grace. Returns at once.
  virtual Status cancel(std::chrono::milliseconds grace) = 0;
};

// A supervisor that runs and waits to be told what to do: its start costs some milliseconds, which a worker spends
// beside the look at the input. Dropped without run(), it is ended and leaves files only.
class Prepared {
 public:
  // Writes plan.json and starts a supervisor for DIR by running `program` (this binary) with the hidden sub-command
  // "supervise DIR"; as root it is the init of a PID namespace. Of the plan only the attempt, its groups and the bounds
  // of its log have to be final. Where an earlier engine of the attempt has ended, its log is gone on with and its exit
  // forgotten. kIo when the kernel refuses.
  [[nodiscard]] static Result<Prepared> start(const std::string& program, const std::string& dir, const Plan& plan);
  // Starts the engine of the final plan; returns once the supervisor answers.
  [[nodiscard]] Result<std::unique_ptr<Link>> run(const Plan& plan) &&;
  Prepared(Prepared&&) noexcept;
  ~Prepared();

 private:
  struct Parts;
  explicit Prepared(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Reads up to `limit` bytes of an attempt's kept log from `offset`, while it is written and after. A chunk stops before
// the dropped range; one that starts inside it holds the marker line "[ffrtmp: N bytes dropped]" and goes on behind the
// range, so that offsets are always those of the engine's stream. At the end: no data, `offset` is the log's end.
// kGone before the supervisor made the log.
struct LogChunk {
  std::int64_t offset = 0;  // of the first byte given
  std::string data;
  std::int64_t next_offset = 0;
  std::int64_t dropped_bytes = 0;  // not 0: `data` is the marker that stands for so many bytes
};
[[nodiscard]] Result<LogChunk> read_log(const std::string& dir, std::int64_t offset, std::int64_t limit);

// Kills whatever still runs of attempts not in `keep`, removes their groups, and returns when nothing is left. For a
// starting worker, before its first claim.
[[nodiscard]] Status kill_strays(const std::string& attempts_dir, const std::vector<std::string>& keep);

// The same for the one attempt of DIR, whose supervisor died and may have left its engine or its groups behind.
[[nodiscard]] Status kill_attempt(const std::string& dir);

// The sub-command "supervise DIR"; returns the process's exit code.
int supervise_main(const std::string& dir);

}  // namespace ffrtmp::supervisor
