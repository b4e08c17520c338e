// Jobs: submit, look, steer, read logs.
#include <algorithm>
#include <set>

#include "api/routes.h"
#include "api/view.h"
#include "base/log.h"
#include "base/text.h"
#include "master/query.h"
#include "master/roots.h"
#include "master/service.h"
#include "master/stream_keys.h"
#include "model/live_url.h"
#include "model/requirement.h"
#include "model/spec_rules.h"
#include "net/digest.h"

namespace ffrtmp::master {
namespace {

constexpr std::size_t kMaxIdempotencyKey = 128;
constexpr std::int64_t kMaxLogPage = 1 << 20;

Result<store::Submit> read_submit(const Call& call, const ServiceSettings& settings) {
  FFRTMP_ASSIGN(model::JobSpec spec, api::decode_job_spec(call.request.body, settings.default_max_retries));
  FFRTMP_TRY(model::check_spec(spec));
  store::Submit submit;
  submit.job.owner = call.caller.key_name;
  submit.job.scenario_parsed = model::parse_scenario(spec.scenario);
  FFRTMP_ASSIGN(submit.job.effective, model::resolve_parameters(spec, submit.job.scenario_parsed));
  submit.job.spec = std::move(spec);
  if (const auto key = call.request.header("idempotency-key")) {
    if (key->empty() || key->size() > kMaxIdempotencyKey)
      return field_error("Idempotency-Key", "must have 1 to 128 characters");
    submit.idempotency_key = std::string(*key);
    submit.body_sha256 = net::sha256_hex(call.request.body);
  }
  return submit;
}

}  // namespace

// A path must lie beneath a root that some node announced; before the first node registers only its syntax is known.
Status Service::check_roots(const model::Parameters& parameters) const {
  const auto any_node = [&](auto holds) {
    return std::any_of(node_facts_.begin(), node_facts_.end(),
                       [&](const auto& node) { return holds(node.second.roots); });
  };
  if (!any_node([](const auto& roots) { return !roots.empty(); })) return {};
  const auto check = [&](const std::optional<std::string>& path, const char* field) -> Status {
    if (!path || path->find("://") != std::string::npos) return {};
    if (any_node([&](const auto& roots) { return is_beneath(*path, roots); })) return {};
    std::set<std::string> roots;
    for (const auto& [id, facts] : node_facts_) roots.insert(facts.roots.begin(), facts.roots.end());
    return field_error(field, cat("\"", escape(*path), "\" is outside the allowed directories: ", shown_roots(roots)));
  };
  FFRTMP_TRY(check(parameters.input, "parameters.input"));
  return check(parameters.output, "parameters.output");
}

// Of nodes that are known, one has to be willing; before the first node registers nothing is known.
Status Service::check_generation(const model::Parameters& parameters) const {
  if (parameters.input || node_facts_.empty()) return {};
  for (const auto& [id, facts] : node_facts_)
    if (facts.generates_input) return {};
  return field_error("parameters.input", "is required: no node generates inputs");
}

// A host that is not public must be listed by some node.
Status Service::check_outlet(const model::Parameters& parameters) const {
  const auto text = model::live_url_of(parameters);
  if (!text || node_facts_.empty()) return {};
  FFRTMP_ASSIGN(const model::LiveUrl url, model::parse_live_url(*text));
  if (!model::needs_listing(url)) return {};
  for (const auto& [id, facts] : node_facts_)
    if (model::is_listed(url, facts.roots)) return {};
  return field_error(parameters.output ? "parameters.output" : "parameters.rtmp_url",
                     cat("no worker may send to ", model::outlet_of(url), ": it is not public, and none lists it (--allow-output)"));
}

void Service::submit_job(std::shared_ptr<Call> call) {
  auto submit = read_submit(*call, settings_);
  if (!submit) return call->fail(submit.error());
  if (const Status allowed = check_roots(submit->job.effective); !allowed) return call->fail(allowed.error());
  if (const Status can = check_generation(submit->job.effective); !can) return call->fail(can.error());
  if (const Status allowed = check_outlet(submit->job.effective); !allowed) return call->fail(allowed.error());
  if (const Status sealed = seal_stream_key(submit->job, *sealer_); !sealed) return call->fail(sealed.error());
  submit->job.id = ids_.next(clock_.now().utc);
  const auto need = model::requirement_of(submit->job.spec, submit->job.effective);
  apply(std::move(*submit), [this, call, need](Result<store::Submit::Reply> reply) {
    if (!reply) return call->fail(reply.error());
    call->ok(api::make_job({reply->job, std::nullopt}, std::nullopt), reply->existing ? 200 : 201);
    if (!reply->existing) wake_for(need);
  });
}

void Service::list_jobs(std::shared_ptr<Call> call) {
  auto query = read_job_query(call->request);
  if (!query) return call->fail(query.error());
  pool_.run([this, call, query = std::move(*query)] {
    auto page = store_.list_jobs(query.filter, query.before_sequence, query.limit);
    server_->post([this, call, page = std::move(page)] {
      if (!page) return call->fail(page.error());
      api::JobList list;
      for (const store::JobView& view : page->jobs) list.jobs.push_back(api::make_job(view, node_name(view.job.now.node_id)));
      list.count = static_cast<int>(list.jobs.size());
      if (page->next_before_sequence) list.next_cursor = cursor_of(*page->next_before_sequence);
      call->ok(list);
    });
  });
}

void Service::get_job(std::shared_ptr<Call> call) {
  if (const Status none = refuse_query(call->request); !none) return call->fail(none.error());
  auto ref = api::parse_job_ref(call->id());
  if (!ref) return call->fail(ref.error());
  pool_.run([this, call, ref = *ref] {
    auto detail = store_.job(ref);
    server_->post([this, call, detail = std::move(detail)] {
      if (!detail) return call->fail(detail.error());
      if (!*detail) return call->fail(make_error(Errc::kNotFound, cat("no job ", call->id())));
      call->ok(api::make_job_detail(**detail, node_name((*detail)->view.job.now.node_id)));
    });
  });
}

void Service::report_sla(std::shared_ptr<Call> call) {
  auto query = read_sla_query(call->request);
  if (!query) return call->fail(query.error());
  pool_.run([this, call, query = *query] {
    auto counts = store_.sla_counts(query.from, query.to);
    server_->post([call, query, counts = std::move(counts)] {
      if (!counts) return call->fail(counts.error());
      api::SlaReport report = api::make_sla_report(*counts, query.by);
      report.from = query.from;
      report.to = query.to;
      call->ok(report);
    });
  });
}

void Service::list_attempts(std::shared_ptr<Call> call) {
  if (const Status none = refuse_query(call->request); !none) return call->fail(none.error());
  auto ref = api::parse_job_ref(call->id());
  if (!ref) return call->fail(ref.error());
  pool_.run([this, call, ref = *ref] {
    auto detail = store_.job(ref);
    if (!detail) return call->fail(detail.error());
    if (!*detail) return call->fail(make_error(Errc::kNotFound, cat("no job ", call->id())));
    api::AttemptList list;
    for (const model::Attempt& attempt : (*detail)->attempts) list.attempts.push_back(api::make_attempt(attempt));
    list.count = static_cast<int>(list.attempts.size());
    call->ok(list);
  });
}

void Service::control(std::shared_ptr<Call> call, store::ControlJob command) {
  auto ref = api::parse_job_ref(call->id());
  if (!ref) return call->fail(ref.error());
  command.job = *ref;
  command.actor = call->caller.actor();
  apply(std::move(command), [call](Result<store::ControlJob::Reply> reply) {
    if (!reply) return call->fail(reply.error());
    // 202: accepted, and true once the live attempt has followed.
    call->ok(api::make_control_reply(reply->job), reply->job.now.desired ? 202 : 200);
  });
}

void Service::cancel_job(std::shared_ptr<Call> call) {
  api::CancelRequest request;
  if (!call->request.body.empty()) {
    auto body = api::decode<api::CancelRequest>(call->request.body);
    if (!body) return call->fail(body.error());
    request = std::move(*body);
  }
  if (request.grace_seconds && (*request.grace_seconds < 0 || *request.grace_seconds > 300))
    return call->fail(field_error("grace_seconds", "must be 0 to 300"));
  store::ControlJob command;
  command.kind = store::ControlJob::Kind::kCancel;
  command.reason = request.reason.value_or("canceled");
  command.grace_seconds = request.grace_seconds.value_or(10);
  control(std::move(call), std::move(command));
}

void Service::pause_job(std::shared_ptr<Call> call) {
  store::ControlJob command;
  command.kind = store::ControlJob::Kind::kPause;
  command.reason = "paused";
  control(std::move(call), std::move(command));
}

void Service::resume_job(std::shared_ptr<Call> call) {
  store::ControlJob command;
  command.kind = store::ControlJob::Kind::kResume;
  command.reason = "resumed";
  control(std::move(call), std::move(command));
}

void Service::retry_job(std::shared_ptr<Call> call) {
  store::ControlJob command;
  command.kind = store::ControlJob::Kind::kRetry;
  command.reason = "retried by hand";
  control(std::move(call), std::move(command));
}

void Service::get_logs(std::shared_ptr<Call> call) {
  const auto wait = read_query_int(call->request, "wait", 0, 30, 0);
  if (!wait) return call->fail(wait.error());
  serve_logs(std::move(call), clock_.now().boot + std::chrono::seconds(*wait));
}

void Service::serve_logs(std::shared_ptr<Call> call, BootTime give_up) {
  auto query = read_log_query(call->request, kMaxLogPage);
  if (!query) return call->fail(query.error());
  auto ref = api::parse_job_ref(call->id());
  if (!ref) return call->fail(ref.error());
  pool_.run([this, call, give_up, query = *query, ref = *ref] {
    auto detail = store_.job(ref);
    if (!detail) return call->fail(detail.error());
    if (!*detail) return call->fail(make_error(Errc::kNotFound, cat("no job ", call->id())));
    const auto& attempts = (*detail)->attempts;
    const auto wanted = query.attempt ? std::find_if(attempts.begin(), attempts.end(),
                                                     [&](const auto& a) { return a.id == *query.attempt; })
                                      : attempts.empty() ? attempts.end() : std::prev(attempts.end());
    if (query.attempt && wanted == attempts.end()) return call->fail(make_error(Errc::kNotFound, cat("no attempt ", query.attempt->str())));
    const bool job_over = model::is_ended((*detail)->view.job.now.status);
    if (wanted == attempts.end()) {
      api::LogPage empty;
      empty.eof = job_over;
      return call->ok(empty);
    }
    auto slice = logs_.read(wanted->id, query.offset, query.limit);
    if (!slice) return call->fail(slice.error());
    // Of the last attempt the end is final once the job has ended: until then another attempt may follow.
    const bool over = query.attempt ? wanted->state != model::AttemptState::kLive : job_over;
    const bool at_end = slice->next_offset >= slice->end;
    if (slice->data.empty() && !over && clock_.now().boot < give_up) {
      const Uuid attempt = wanted->id;
      server_->post([this, call, give_up, attempt] {
        if (stopping_) return call->fail(make_error(Errc::kUnavailable, "the master is stopping"));
        wait_for_log(attempt, [this, call, give_up] { serve_logs(call, give_up); });
      });
      return;
    }
    call->ok(api::LogPage{wanted->id, slice->offset, slice->next_offset, std::move(slice->data), slice->dropped_bytes,
                          over && at_end});
  });
}

}  // namespace ffrtmp::master
