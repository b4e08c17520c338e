// What a worker says of an attempt: progress, logs, the wish to publish, the result.
#include "api/routes.h"
#include "base/text.h"
#include "master/query.h"
#include "master/service.h"
#include "master/wire_commands.h"

namespace ffrtmp::master {
namespace {

// The attempt of the path, for a caller that is a node.
template <class C>
Result<C> for_attempt(const Call& call) {
  FFRTMP_ASSIGN(const Uuid attempt, parse_uuid(call.id()));
  C command;
  command.attempt_id = attempt;
  command.node_id = *call.caller.node_id;
  return command;
}

UtcTime after(const Clock& clock, std::chrono::milliseconds left) { return clock.now().utc + left; }

}  // namespace

void Service::progress(std::shared_ptr<Call> call) {
  auto command = for_attempt<store::ReportProgress>(*call);
  if (!command) return call->fail(command.error());
  auto body = api::decode<api::ProgressRequest>(call->request.body);
  if (!body) return call->fail(body.error());
  command->seq = body->seq;
  command->acks = std::move(body->ack);
  command->progress = static_cast<const model::Progress&>(*body);
  apply(std::move(*command), [this, call](Result<store::ReportProgress::Reply> reply) {
    if (!reply) return call->fail(reply.error());
    call->ok(api::ProgressReply{after(clock_, reply->lease_left), wire_commands(reply->commands)});
  });
}

void Service::append_log(std::shared_ptr<Call> call) {
  auto command = for_attempt<store::TouchAttempt>(*call);
  if (!command) return call->fail(command.error());
  constexpr std::int64_t kAnyOffset = std::int64_t{1} << 60;
  const auto offset = read_query_int(call->request, "offset", 0, kAnyOffset, -1);
  if (!offset) return call->fail(offset.error());
  if (*offset < 0) return call->fail(field_error("offset", "is required"));
  const bool after_drop = call->request.query("after_drop") == "true";
  const Uuid attempt = command->attempt_id;
  apply(std::move(*command), [this, call, attempt, offset = *offset, after_drop](Result<store::TouchAttempt::Reply> reply) {
    if (!reply) return call->fail(reply.error());
    pool_.run([this, call, attempt, offset, after_drop] {
      auto next = logs_.append(attempt, offset, call->request.body, after_drop);
      if (!next) return call->fail(next.error());
      call->ok(api::LogAppendReply{*next});
      server_->post([this, attempt] { wake_logs(attempt); });
    });
  });
}

void Service::publish(std::shared_ptr<Call> call) {
  auto command = for_attempt<store::Publish>(*call);
  if (!command) return call->fail(command.error());
  auto body = api::decode<model::PublishGrant>(call->request.body);
  if (!body) return call->fail(body.error());
  command->grant = std::move(*body);
  apply(std::move(*command), [call](Result<store::Publish::Reply> reply) {
    if (!reply) return call->fail(reply.error());
    call->ok(api::PublishReply{});
  });
}

void Service::result(std::shared_ptr<Call> call) {
  auto command = for_attempt<store::Finish>(*call);
  if (!command) return call->fail(command.error());
  auto body = api::decode<model::AttemptResult>(call->request.body);
  if (!body) return call->fail(body.error());
  command->result = std::move(*body);
  const Uuid attempt = command->attempt_id;
  const Uuid node = command->node_id;
  apply(std::move(*command), [this, call, attempt, node](Result<store::Finish::Reply> reply) {
    if (!reply) return call->fail(reply.error());
    call->ok(api::ResultReply{reply->job_status, reply->retry_at});
    wake_logs(attempt);
    wake_for_session(node);
  });
}

void Service::release(std::shared_ptr<Call> call) {
  auto command = for_attempt<store::Release>(*call);
  if (!command) return call->fail(command.error());
  if (!call->request.body.empty()) {
    auto body = api::decode<api::ReleaseRequest>(call->request.body);
    if (!body) return call->fail(body.error());
    command->reason = body->reason.value_or("");
  }
  const Uuid attempt = command->attempt_id;
  const Uuid node = command->node_id;
  apply(std::move(*command), [this, call, attempt, node](Result<store::Release::Reply> reply) {
    if (!reply) return call->fail(reply.error());
    call->ok(api::ResultReply{reply->job_status, std::nullopt});
    wake_logs(attempt);
    wake_for_session(node);
  });
}

}  // namespace ffrtmp::master
