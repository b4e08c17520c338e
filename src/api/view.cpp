#include "api/view.h"

#include "base/text.h"
#include "model/sla.h"

namespace ffrtmp::api {
namespace {

constexpr std::string_view kMask = "***";

std::optional<std::string> masked(const std::optional<std::string>& url) {
  if (!url) return std::nullopt;
  return mask_url(*url);
}

// The key is often the last part of an RTMP address as well.
std::optional<std::string> without_key(std::optional<std::string> url, const std::optional<std::string>& key) {
  if (!url || !key || key->empty()) return url;
  if (url->ends_with("/" + *key)) url->replace(url->size() - key->size(), key->size(), kMask);
  return url;
}

// The request's parameters with what is secret in them hidden; the key keeps its place, so that its use is seen.
std::map<std::string, Scalars> masked(std::map<std::string, Scalars> parameters,
                                      const std::optional<std::string>& key) {
  for (auto& [name, scalars] : parameters) {
    if (name == "stream_key") {
      scalars = Scalars::one(std::string(kMask));
    } else {
      for (std::string& value : scalars.values) value = *without_key(mask_url(value), key);
    }
  }
  return parameters;
}

void put_request(Job& out, const model::JobSpec& spec, const std::optional<std::string>& stream_key) {
  out.scenario = spec.scenario;
  out.confidence = spec.confidence;
  out.engine = spec.engine;
  out.classification = spec.classification;
  out.queue = spec.queue;
  out.priority = spec.priority;
  out.parameters = masked(spec.parameters, stream_key);
  out.resource_limits = spec.resource_limits;
  out.constraints = spec.constraints;
  out.max_retries = spec.max_retries;
}

void put_status(Job& out, const model::JobStatus& now) {
  out.status = now.status;
  out.desired = now.desired;
  out.node_id = now.node_id;
  out.attempt_id = now.attempt_id;
  out.retry_count = now.retry_count;
  out.next_retry_at = now.next_retry_at;
  out.queued_at = now.queued_at;
  out.assigned_at = now.assigned_at;
  out.started_at = now.started_at;
  out.completed_at = now.completed_at;
  out.last_activity_at = now.last_activity_at;
  out.failure_reason = now.failure_reason;
  if (!now.error.empty()) out.error = now.error;
  if (!now.sla_verdict) return;
  if (*now.sla_verdict != model::SlaVerdict::kUndetermined)
    out.platform_sla_compliant = *now.sla_verdict == model::SlaVerdict::kCompliant;
  out.platform_sla_reason = now.sla_reason;
}

}  // namespace

std::string mask_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::string(text);
  const std::size_t authority = scheme + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", authority), text.size());
  const std::size_t at = text.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < authority) return std::string(text);
  return cat(text.substr(0, authority), kMask, text.substr(at));
}

EffectiveParameters make_effective(const model::Parameters& p) {
  EffectiveParameters out;
  out.input = masked(p.input);
  out.output = without_key(masked(p.output), p.stream_key);
  out.output_mode = p.output_mode;
  out.rtmp_url = without_key(masked(p.rtmp_url), p.stream_key);
  if (p.stream_key) out.stream_key = kMask;
  out.codec = p.codec;
  out.bitrate = p.bitrate_bps;
  out.crf = p.crf;
  out.preset = p.preset;
  if (p.width && p.height) out.resolution = cat(*p.width, "x", *p.height);
  out.fps = p.fps;
  out.duration = p.duration_seconds;
  out.pixel_format = p.pixel_format;
  out.hwaccel = p.hwaccel;
  out.audio_codec = p.audio_codec;
  out.audio_bitrate = p.audio_bitrate_bps;
  out.streams = p.streams;
  out.verify = p.verify;
  out.threads = p.threads;
  out.allow_fallback = p.allow_fallback;
  out.overwrite = p.overwrite;
  out.extra_args = p.extra_args;
  return out;
}

Job make_job(const store::JobView& view, std::optional<std::string> node_name) {
  Job out;
  out.id = view.job.id;
  out.sequence_number = view.job.sequence_number;
  out.owner = view.job.owner;
  out.created_at = view.job.created_at;
  put_request(out, view.job.spec, view.job.effective.stream_key);
  out.effective_parameters = make_effective(view.job.effective);
  out.scenario_parsed = view.job.scenario_parsed;
  put_status(out, view.job.now);
  out.sla_category = model::sla_category(view.job.spec);
  if (out.node_id) out.node_name = std::move(node_name);
  out.progress = view.progress;
  return out;
}

Job make_job_detail(const store::JobDetail& detail, std::optional<std::string> node_name) {
  Job out = make_job(detail.view, std::move(node_name));
  out.state_transitions = detail.transitions;
  out.attempts.emplace();
  for (const model::Attempt& attempt : detail.attempts) {
    out.attempts->push_back(make_attempt(attempt));
    if (attempt.result) out.result = attempt.result;
  }
  return out;
}

Attempt make_attempt(const model::Attempt& attempt) {
  return Attempt{attempt.id,         attempt.number,     attempt.node_id,  attempt.state,
                 attempt.claimed_at, attempt.started_at, attempt.ended_at, attempt.result};
}

Node make_node(const store::NodeView& view) {
  Node out;
  static_cast<model::NodeFacts&>(out) = view.node.facts;
  out.id = view.node.id;
  out.status = view.status;
  out.load1 = view.load.load1;
  out.cpu_percent = view.load.cpu_percent;
  out.ram_free_bytes = view.load.ram_free_bytes;
  out.disk_free_bytes = view.load.disk_free_bytes;
  out.active_attempts = view.active_attempts;
  out.last_heartbeat = view.node.last_heartbeat_at;
  out.registered_at = view.node.registered_at;
  return out;
}

ControlReply make_control_reply(const model::Job& job) {
  return ControlReply{job.now.status, job.now.desired, job.id, job.sequence_number, job.now.retry_count};
}

}  // namespace ffrtmp::api
