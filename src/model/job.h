#pragma once
// A job: what was asked (JobSpec, never changed after submit), and where it stands (Job).
// Only job_fsm.h decides which state may follow which; only the store's apply() changes one.
#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/scalars.h"
#include "model/limits.h"
#include "model/outcome.h"
#include "model/parameters.h"

namespace ffrtmp::model {

enum class JobState : std::uint8_t {
  kQueued, kAssigned, kRunning, kPaused, kRetrying, kCompleted, kFailed, kTimedOut, kCanceled, kRejected
};
BOOST_DESCRIBE_ENUM(JobState, kQueued, kAssigned, kRunning, kPaused, kRetrying, kCompleted, kFailed, kTimedOut,
                    kCanceled, kRejected)

// What an operator wants of a job that an attempt is working on, until the attempt has acknowledged it.
enum class Desired : std::uint8_t { kRunning, kPaused, kCanceled };
BOOST_DESCRIBE_ENUM(Desired, kRunning, kPaused, kCanceled)

enum class Engine : std::uint8_t { kAuto, kFfmpeg, kGstreamer };
BOOST_DESCRIBE_ENUM(Engine, kAuto, kFfmpeg, kGstreamer)
enum class Queue : std::uint8_t { kBatch, kDefault, kLive };
BOOST_DESCRIBE_ENUM(Queue, kBatch, kDefault, kLive)
enum class Priority : std::uint8_t { kLow, kMedium, kHigh };
BOOST_DESCRIBE_ENUM(Priority, kLow, kMedium, kHigh)
enum class Classification : std::uint8_t { kProduction, kTest, kBenchmark, kDebug };
BOOST_DESCRIBE_ENUM(Classification, kProduction, kTest, kBenchmark, kDebug)
enum class Confidence : std::uint8_t { kAuto, kHigh, kMedium, kLow };
BOOST_DESCRIBE_ENUM(Confidence, kAuto, kHigh, kMedium, kLow)

// Which node may run the job, besides what its codec and engine need.
struct Constraints {
  std::optional<int> min_threads;
  std::optional<std::int64_t> min_ram_mb;
  std::map<std::string, std::string> labels;  // all must be equal on the node
  std::optional<Uuid> node_id;                // this node only
  bool operator==(const Constraints&) const = default;
};
BOOST_DESCRIBE_STRUCT(Constraints, (), (min_threads, min_ram_mb, labels, node_id))

// The request body of POST /jobs, as it was accepted. Checked by check_spec (spec_rules.h).
struct JobSpec {
  std::string scenario;  // [A-Za-z0-9._-]{1,128}
  Confidence confidence = Confidence::kAuto;
  Engine engine = Engine::kAuto;
  std::optional<Classification> classification;
  Queue queue = Queue::kDefault;
  Priority priority = Priority::kMedium;
  std::map<std::string, Scalars> parameters;  // as written; read by resolve_parameters (spec_rules.h)
  ResourceLimits resource_limits;
  Constraints constraints;
  int max_retries = 3;  // 0-10; 0 = none of any kind
};
BOOST_DESCRIBE_STRUCT(JobSpec, (),
                      (scenario, confidence, engine, classification, queue, priority, parameters, resource_limits,
                       constraints, max_retries))

enum class Phase : std::uint8_t { kPreparing, kRunning, kPaused, kVerifying };
BOOST_DESCRIBE_ENUM(Phase, kPreparing, kRunning, kPaused, kVerifying)

// The latest -progress block of ffmpeg, or what is known of it. The unmeasured is absent, never 0.
struct Progress {
  Phase phase = Phase::kPreparing;
  std::optional<double> percent;  // 0-100; absent if the length is unknown
  std::optional<std::int64_t> frame;
  std::optional<double> fps;
  std::optional<double> speed;  // media seconds a wall second
  std::optional<double> bitrate_kbps;
  std::optional<std::int64_t> drop;
  std::optional<std::int64_t> dup;
  std::optional<std::int64_t> out_time_ms;  // milliseconds (ffmpeg's key of that name is in microseconds)
  std::optional<std::int64_t> size_bytes;
  bool operator==(const Progress&) const = default;
};
BOOST_DESCRIBE_STRUCT(Progress, (),
                      (phase, percent, frame, fps, speed, bitrate_kbps, drop, dup, out_time_ms, size_bytes))

// One change of state, recorded in the transaction that made it.
struct Transition {
  std::optional<JobState> from;  // absent for the first
  JobState to = JobState::kQueued;
  UtcTime timestamp;
  std::string reason;  // "submitted", "claimed", "lease expired", …
  std::string actor;   // "key:NAME", "node:UUID" or "master"
  std::optional<Uuid> attempt_id;
  bool operator==(const Transition&) const = default;
};
BOOST_DESCRIBE_STRUCT(Transition, (), (from, to, timestamp, reason, actor, attempt_id))

// Everything of a job that may change after submit. A retry erases no time.
struct JobStatus {
  JobState status = JobState::kQueued;
  std::optional<Desired> desired;       // only while an attempt is live and has not acknowledged it
  std::int64_t desired_version = 0;     // counts changes of `desired`; part of a command's id
  std::optional<int> grace_seconds;     // of a desired cancel, 0-300
  std::string desired_actor;            // who wanted it and why: recorded with the transition that follows
  std::string desired_reason;
  std::optional<Uuid> attempt_id;       // the current attempt: live, or the last one of an ended job
  std::optional<Uuid> node_id;          // of that attempt
  int retry_count = 0;                  // counted retries since submit or the last manual retry
  int attempt_count = 0;                // attempts ever started
  int attempts_before_retry = 0;        // of those, before the last manual retry
  std::optional<UtcTime> next_retry_at; // only while retrying
  std::optional<Uuid> avoid_node_id;    // the node that failed last: a retry prefers another
  UtcTime queued_at;                    // first time; the queue's key is made of it
  std::optional<UtcTime> assigned_at;
  std::optional<UtcTime> started_at;
  std::optional<UtcTime> completed_at;  // of any end
  UtcTime last_activity_at;
  std::optional<FailureReason> failure_reason;
  std::string error;
  UtcTime entered_at;              // the present state
  std::int64_t queued_ms = 0;      // spent in the queue since submit or the last manual retry
  std::int64_t paused_ms = 0;      // of the present or last attempt
  std::optional<SlaVerdict> sla_verdict;  // of an ended job, as the next two
  std::string sla_reason;
  bool sla_counts = false;         // in the rate
};
BOOST_DESCRIBE_STRUCT(JobStatus, (),
                      (status, desired, desired_version, grace_seconds, desired_actor, desired_reason, attempt_id,
                       node_id, retry_count, attempt_count, attempts_before_retry, next_retry_at, avoid_node_id,
                       queued_at, assigned_at, started_at, completed_at, last_activity_at, failure_reason, error, entered_at,
                       queued_ms, paused_ms, sla_verdict, sla_reason, sla_counts))

struct Job {
  Uuid id;
  std::int64_t sequence_number = 0;  // never reused
  std::string owner;                 // the name of the key that submitted it
  JobSpec spec;
  Parameters effective;  // defaults < scenario < explicit parameters
  ScenarioParsed scenario_parsed;
  UtcTime created_at;
  JobStatus now;
};

[[nodiscard]] constexpr bool is_live(JobState s) {
  return s == JobState::kAssigned || s == JobState::kRunning || s == JobState::kPaused;
}
// No worker message, sweep or timer leaves an ended state; failed, timed_out, canceled may be retried by hand.
[[nodiscard]] constexpr bool is_ended(JobState s) {
  return s == JobState::kCompleted || s == JobState::kFailed || s == JobState::kTimedOut || s == JobState::kCanceled ||
         s == JobState::kRejected;
}

}  // namespace ffrtmp::model
