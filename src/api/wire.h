#pragma once
// The bodies of the HTTP API, as described structs; names are the wire's names. Encoded and decoded in codec.h.
#include <boost/describe.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "json/text.h"
#include "model/attempt.h"
#include "model/health_reply.h"
#include "model/job.h"
#include "model/node.h"

namespace ffrtmp::api {

// {"error":{…}} of every failed request.
struct ErrorBody {
  std::string code;  // wire_name(Errc)
  std::string message;
  std::optional<std::string> field;
};
BOOST_DESCRIBE_STRUCT(ErrorBody, (), (code, message, field))
struct ErrorReply {
  ErrorBody error;
};
BOOST_DESCRIBE_STRUCT(ErrorReply, (), (error))

// effective_parameters: the typed parameters under the names of the request.
struct EffectiveParameters {
  std::optional<std::string> input;
  std::optional<std::string> output;
  model::OutputMode output_mode = model::OutputMode::kFile;
  std::optional<std::string> rtmp_url;
  std::optional<std::string> stream_key;  // masked
  std::string codec;
  std::optional<std::int64_t> bitrate;  // bits a second
  std::optional<int> crf;
  std::string preset;
  std::optional<std::string> resolution;  // "1280x720"
  std::optional<double> fps;
  std::optional<double> duration;
  std::string pixel_format;
  model::HwAccel hwaccel = model::HwAccel::kAuto;
  std::optional<model::AudioCodec> audio_codec;
  std::int64_t audio_bitrate = 0;
  std::vector<std::string> streams;
  std::optional<model::VerifyLevel> verify;
  std::optional<int> threads;
  bool allow_fallback = true;
  bool overwrite = false;
  std::vector<std::string> extra_args;
};
BOOST_DESCRIBE_STRUCT(EffectiveParameters, (),
                      (input, output, output_mode, rtmp_url, stream_key, codec, bitrate, crf, preset, resolution, fps,
                       duration, pixel_format, hwaccel, audio_codec, audio_bitrate, streams, verify, threads,
                       allow_fallback, overwrite, extra_args))

struct Attempt {
  Uuid id;
  int number = 1;
  Uuid node_id;
  model::AttemptState status = model::AttemptState::kLive;
  UtcTime claimed_at;
  std::optional<UtcTime> started_at;
  std::optional<UtcTime> ended_at;
  std::optional<model::AttemptResult> result;
};
BOOST_DESCRIBE_STRUCT(Attempt, (), (id, number, node_id, status, claimed_at, started_at, ended_at, result))

// A job as the API shows it: the request's fields, what the system knows, and in GET /jobs/{id} also its history.
struct Job {
  Uuid id;
  std::int64_t sequence_number = 0;
  std::string owner;
  model::JobState status = model::JobState::kQueued;
  std::optional<model::Desired> desired;
  std::string scenario;
  model::Confidence confidence = model::Confidence::kAuto;
  model::Engine engine = model::Engine::kAuto;
  std::optional<model::Classification> classification;
  model::Queue queue = model::Queue::kDefault;
  model::Priority priority = model::Priority::kMedium;
  std::map<std::string, Scalars> parameters;
  EffectiveParameters effective_parameters;
  model::ScenarioParsed scenario_parsed;
  model::ResourceLimits resource_limits;
  model::Constraints constraints;
  int max_retries = 3;
  std::optional<model::Progress> progress;
  std::optional<Uuid> node_id;
  std::optional<std::string> node_name;
  std::optional<Uuid> attempt_id;
  int retry_count = 0;
  std::optional<UtcTime> next_retry_at;
  UtcTime created_at;
  UtcTime queued_at;
  std::optional<UtcTime> assigned_at;
  std::optional<UtcTime> started_at;
  std::optional<UtcTime> completed_at;
  UtcTime last_activity_at;
  std::optional<model::FailureReason> failure_reason;
  std::optional<std::string> error;
  std::string sla_category;
  std::optional<bool> platform_sla_compliant;  // of an ended job; absent when it cannot be told
  std::optional<std::string> platform_sla_reason;
  std::optional<std::vector<model::Transition>> state_transitions;
  std::optional<std::vector<Attempt>> attempts;
  std::optional<model::AttemptResult> result;  // of the last attempt that sent one
};
BOOST_DESCRIBE_STRUCT(Job, (),
                      (id, sequence_number, owner, status, desired, scenario, confidence, engine, classification, queue,
                       priority, parameters, effective_parameters, scenario_parsed, resource_limits, constraints,
                       max_retries, progress, node_id, node_name, attempt_id, retry_count, next_retry_at, created_at,
                       queued_at, assigned_at, started_at, completed_at, last_activity_at, failure_reason, error,
                       sla_category, platform_sla_compliant, platform_sla_reason, state_transitions, attempts,
                       result))

struct JobList {
  std::vector<Job> jobs;
  int count = 0;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(JobList, (), (jobs, count, next_cursor))

struct AttemptList {
  std::vector<Attempt> attempts;
  int count = 0;
};
BOOST_DESCRIBE_STRUCT(AttemptList, (), (attempts, count))

struct CancelRequest {
  std::optional<std::string> reason;
  std::optional<int> grace_seconds;  // 0-300
};
BOOST_DESCRIBE_STRUCT(CancelRequest, (), (reason, grace_seconds))

// Reply of cancel, pause, resume, retry: 200 when done, 202 with `desired` while a live attempt follows.
struct ControlReply {
  model::JobState status = model::JobState::kQueued;
  std::optional<model::Desired> desired;
  Uuid job_id;
  std::int64_t sequence_number = 0;
  int retry_count = 0;
};
BOOST_DESCRIBE_STRUCT(ControlReply, (), (status, desired, job_id, sequence_number, retry_count))

struct LogPage {
  Uuid attempt;
  std::int64_t offset = 0;
  std::int64_t next_offset = 0;
  std::string data;
  std::int64_t dropped_bytes = 0;  // in the middle, head and tail are kept
  bool eof = false;                // the attempt ended and all of it was read
};
BOOST_DESCRIBE_STRUCT(LogPage, (), (attempt, offset, next_offset, data, dropped_bytes, eof))

// What the worker announced, and what the master adds.
struct Node : model::NodeFacts {
  Uuid id;
  model::NodeStatus status = model::NodeStatus::kOffline;
  std::optional<double> load1;
  std::optional<double> cpu_percent;
  std::optional<std::int64_t> ram_free_bytes;
  std::optional<std::int64_t> disk_free_bytes;
  std::vector<Uuid> active_attempts;
  UtcTime last_heartbeat;
  UtcTime registered_at;
};
BOOST_DESCRIBE_STRUCT(Node, (model::NodeFacts),
                      (id, status, load1, cpu_percent, ram_free_bytes, disk_free_bytes, active_attempts,
                       last_heartbeat, registered_at))

struct NodeList {
  std::vector<Node> nodes;
  int count = 0;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(NodeList, (), (nodes, count, next_cursor))

// ---- worker <-> master ----

struct Command {
  std::string command_id;
  Uuid attempt_id;
  std::string action;  // "pause", "resume", "cancel", "abandon"
  std::optional<int> grace_seconds;
};
BOOST_DESCRIBE_STRUCT(Command, (), (command_id, attempt_id, action, grace_seconds))

struct RegisterRequest : model::NodeFacts {
  std::optional<Uuid> node_id;
  Uuid instance_id;
  std::string boot_id;
  std::optional<std::int64_t> heartbeat_seconds;  // H, when it is not the master's
  std::vector<Uuid> attempts;                     // still held by this worker
};
BOOST_DESCRIBE_STRUCT(RegisterRequest, (model::NodeFacts), (node_id, instance_id, boot_id, heartbeat_seconds, attempts))

struct AttemptVerdict {
  Uuid attempt_id;
  std::string verdict;  // "keep", "abandon"
};
BOOST_DESCRIBE_STRUCT(AttemptVerdict, (), (attempt_id, verdict))

// All waits of the liveness law in milliseconds, as the master computed them.
struct IntervalsBody {
  std::int64_t heartbeat_ms = 0;
  std::int64_t lease_ms = 0;
  std::int64_t renew_ms = 0;
  std::int64_t fence_ms = 0;
};
BOOST_DESCRIBE_STRUCT(IntervalsBody, (), (heartbeat_ms, lease_ms, renew_ms, fence_ms))

struct RegisterReply {
  Node node;
  std::optional<std::string> token;  // once, for a new node
  std::vector<AttemptVerdict> attempts;
  IntervalsBody intervals;
};
BOOST_DESCRIBE_STRUCT(RegisterReply, (), (node, token, attempts, intervals))

struct HeartbeatAttempt {
  Uuid attempt_id;
  model::Phase phase = model::Phase::kPreparing;
  std::optional<double> percent;
};
BOOST_DESCRIBE_STRUCT(HeartbeatAttempt, (), (attempt_id, phase, percent))

struct HeartbeatRequest {
  Uuid instance_id;
  std::optional<double> load1;
  std::optional<double> cpu_percent;
  std::optional<std::int64_t> ram_free_bytes;
  std::optional<std::int64_t> disk_free_bytes;
  std::optional<int> slots_free;
  std::vector<HeartbeatAttempt> attempts;
  int wait = 0;  // seconds, 0-30: the reply is held until there is a command
};
BOOST_DESCRIBE_STRUCT(HeartbeatRequest, (),
                      (instance_id, load1, cpu_percent, ram_free_bytes, disk_free_bytes, slots_free, attempts, wait))

struct LeaseBody {
  Uuid attempt_id;
  UtcTime expires_at;
};
BOOST_DESCRIBE_STRUCT(LeaseBody, (), (attempt_id, expires_at))

struct HeartbeatReply {
  model::NodeStatus node_status = model::NodeStatus::kAvailable;
  std::vector<Command> commands;
  std::vector<LeaseBody> leases;
  std::vector<Uuid> stale;
};
BOOST_DESCRIBE_STRUCT(HeartbeatReply, (), (node_status, commands, leases, stale))

// An empty claim poll counts as a heartbeat and carries its body.
struct ClaimRequest : HeartbeatRequest {
  Uuid claim_id;
  Uuid node_id;
  int slots = 1;  // 1-64
};
BOOST_DESCRIBE_STRUCT(ClaimRequest, (HeartbeatRequest), (claim_id, node_id, slots))

struct AttemptGrant {
  Uuid id;
  int number = 1;
  std::int64_t lease_seconds = 0;
  std::int64_t renew_seconds = 0;
  std::int64_t lease_ms = 0;  // exact; the two above are rounded for people
  std::int64_t renew_ms = 0;
  std::int64_t fence_ms = 0;
  std::optional<std::int64_t> deadline_seconds;
  std::optional<std::string> session_device;  // whose encoders it may use although their sessions are bounded
};
BOOST_DESCRIBE_STRUCT(AttemptGrant, (),
                      (id, number, lease_seconds, renew_seconds, lease_ms, renew_ms, fence_ms, deadline_seconds,
                       session_device))

// What a worker needs of a job: nothing but the work.
struct ClaimedJob {
  Uuid id;
  std::int64_t sequence_number = 0;
  std::string scenario;
  model::Engine engine = model::Engine::kAuto;
  model::Queue queue = model::Queue::kDefault;
  model::Parameters parameters;  // effective, typed
  model::ResourceLimits resource_limits;
};
BOOST_DESCRIBE_STRUCT(ClaimedJob, (), (id, sequence_number, scenario, engine, queue, parameters, resource_limits))

struct ClaimItem {
  ClaimedJob job;
  AttemptGrant attempt;
  std::vector<model::PublishGrant> earlier_grants;
};
BOOST_DESCRIBE_STRUCT(ClaimItem, (), (job, attempt, earlier_grants))

struct ClaimReply {
  std::vector<ClaimItem> claims;
  std::vector<Command> commands;
  std::vector<Uuid> stale;
  model::NodeStatus node_status = model::NodeStatus::kAvailable;
};
BOOST_DESCRIBE_STRUCT(ClaimReply, (), (claims, commands, stale, node_status))

struct ProgressRequest : model::Progress {
  std::int64_t seq = 0;
  std::vector<std::string> ack;
};
BOOST_DESCRIBE_STRUCT(ProgressRequest, (model::Progress), (seq, ack))

struct ProgressReply {
  UtcTime lease_expires_at;
  std::vector<Command> commands;
};
BOOST_DESCRIBE_STRUCT(ProgressReply, (), (lease_expires_at, commands))

struct LogAppendReply {
  std::int64_t next_offset = 0;
};
BOOST_DESCRIBE_STRUCT(LogAppendReply, (), (next_offset))

struct PublishReply {
  bool granted = true;
};
BOOST_DESCRIBE_STRUCT(PublishReply, (), (granted))

struct ResultReply {
  model::JobState job_status = model::JobState::kQueued;
  std::optional<UtcTime> retry_at;
};
BOOST_DESCRIBE_STRUCT(ResultReply, (), (job_status, retry_at))

struct ReleaseRequest {
  std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(ReleaseRequest, (), (reason))

using CheckBody = model::CheckBody;
using HealthReply = model::HealthReply;

}  // namespace ffrtmp::api
