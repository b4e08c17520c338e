#pragma once
// How an attempt ended: the body of POST /attempts/{id}/result. The unmeasured is absent, never 0.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"

namespace ffrtmp::model {

enum class FailureReason : std::uint8_t {
  kUserError, kInputError, kCapabilityMismatch, kNetworkError, kPlatformError, kResourceError, kOutputError, kTimeout,
  kRuntimeError, kUnknown
};
BOOST_DESCRIBE_ENUM(FailureReason, kUserError, kInputError, kCapabilityMismatch, kNetworkError, kPlatformError,
                    kResourceError, kOutputError, kTimeout, kRuntimeError, kUnknown)

enum class ResultStatus : std::uint8_t { kCompleted, kFailed, kCanceled, kTimedOut };
BOOST_DESCRIBE_ENUM(ResultStatus, kCompleted, kFailed, kCanceled, kTimedOut)

// Which limit ended an attempt with kTimeout. Only the job's own one is final: the others are tried again.
enum class TimeoutCause : std::uint8_t {
  kStall,            // no progress and no CPU time for the worker's stall timeout
  kDefaultDeadline,  // derived from the length of the output
  kTimeoutSec        // resource_limits.timeout_sec of the job
};
BOOST_DESCRIBE_ENUM(TimeoutCause, kStall, kDefaultDeadline, kTimeoutSec)

// Whether the platform kept its promise to a job that has ended (sla.h).
enum class SlaVerdict : std::uint8_t { kCompliant, kViolation, kUndetermined };
BOOST_DESCRIBE_ENUM(SlaVerdict, kCompliant, kViolation, kUndetermined)

struct EngineUsed {
  std::string used;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(EngineUsed, (), (used, reason))

struct EncoderUsed {
  std::string requested;
  std::string used;
  bool fallback = false;
  std::optional<std::string> fallback_reason;
};
BOOST_DESCRIBE_STRUCT(EncoderUsed, (), (requested, used, fallback, fallback_reason))

struct InputInfo {
  std::string path;
  bool generated = false;
  bool looped = false;
  std::optional<std::int64_t> size_bytes;
  std::optional<std::string> encoder;  // of a generated input
};
BOOST_DESCRIBE_STRUCT(InputInfo, (), (path, generated, looped, size_bytes, encoder))

// One stream of the output, as ffprobe names it.
struct StreamInfo {
  int index = 0;
  std::string type;   // "video", "audio", "subtitle", …
  std::string codec;
  std::optional<int> width;
  std::optional<int> height;
  std::optional<std::string> pixel_format;
  std::optional<double> fps;
  std::optional<int> channels;
  std::optional<int> sample_rate;
  std::optional<double> duration_seconds;  // to the end of the last packet
  std::optional<std::int64_t> packets;
};
BOOST_DESCRIBE_STRUCT(StreamInfo, (),
                      (index, type, codec, width, height, pixel_format, fps, channels, sample_rate, duration_seconds,
                       packets))

struct OutputInfo {
  std::string path;
  std::optional<std::int64_t> size_bytes;
  std::optional<double> duration_seconds;
  std::vector<StreamInfo> streams;
  std::vector<std::string> left_out;  // what of the input the output lacks, named, with the reason
  std::vector<std::string> converted;  // what of the input the output holds in another form
  bool verified = false;
  std::optional<std::string> verify_level;  // "packets", "sample", "full"
  std::optional<std::string> verify_error;
  std::optional<bool> removed;  // nobody named it: it goes once the result is accepted
};
BOOST_DESCRIBE_STRUCT(OutputInfo, (),
                      (path, size_bytes, duration_seconds, streams, left_out, converted, verified, verify_level,
                       verify_error, removed))

// avg_fps and speed are means over run_seconds, start-up and pauses included: what the job took, not what ffmpeg says of
// its busy part. The latest progress has the latter.
struct RunStats {
  std::optional<std::int64_t> frames;
  std::optional<double> avg_fps;  // frames / run_seconds
  std::optional<double> speed;    // seconds of media made / run_seconds
  std::optional<std::int64_t> drop;
  std::optional<std::int64_t> dup;
  std::optional<double> run_seconds;     // wall time of the engine from exec to its end, pauses included
  std::optional<double> verify_seconds;  // wall time from the engine's exit to the verdict
};
BOOST_DESCRIBE_STRUCT(RunStats, (), (frames, avg_fps, speed, drop, dup, run_seconds, verify_seconds))

struct ResourceUse {
  std::optional<double> cpu_seconds;
  std::optional<std::int64_t> max_rss_bytes;
  std::optional<bool> oom_killed;
};
BOOST_DESCRIBE_STRUCT(ResourceUse, (), (cpu_seconds, max_rss_bytes, oom_killed))

// What became of one limit; names as in govern/limits.h: "memory_limit", "applied".
struct LimitOutcome {
  std::string limit;
  std::string status;  // applied, degraded, unsupported, denied, failed
  std::string wanted;  // as written to the kernel
  std::optional<std::string> observed;  // as read back, when it is something else
  std::optional<std::string> detail;
};
BOOST_DESCRIBE_STRUCT(LimitOutcome, (), (limit, status, wanted, observed, detail))

struct AttemptResult {
  Uuid result_id;  // the same one again is the same result
  ResultStatus status = ResultStatus::kFailed;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::optional<FailureReason> failure_reason;
  std::optional<TimeoutCause> timeout_cause;  // with kTimeout
  std::optional<std::string> error;
  std::vector<std::string> command;  // argv as run, secrets masked
  std::optional<EngineUsed> engine;
  std::optional<EncoderUsed> encoder;
  std::optional<InputInfo> input;
  std::optional<OutputInfo> output;
  std::optional<RunStats> stats;
  std::optional<ResourceUse> resources;
  std::vector<LimitOutcome> limits;  // that the engine ran under, or should have
  std::optional<bool> graceful;  // of a cancel: ended by itself within the grace
  std::optional<double> vmaf;
  std::optional<double> qoe_score;
  std::optional<double> energy_joules;
};
BOOST_DESCRIBE_STRUCT(AttemptResult, (),
                      (result_id, status, exit_code, signal, failure_reason, timeout_cause, error, command, engine, encoder, input,
                       output, stats, resources, limits, graceful, vmaf, qoe_score, energy_joules))

}  // namespace ffrtmp::model
