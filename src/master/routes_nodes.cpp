// Nodes: register, look, and the two long polls of a worker.
#include "api/routes.h"
#include "api/view.h"
#include "base/log.h"
#include "base/text.h"
#include "master/query.h"
#include "master/service.h"
#include "master/stream_keys.h"
#include "master/wire_commands.h"
#include "model/encoder_choice.h"
#include "model/requirement.h"
#include "net/digest.h"

namespace ffrtmp::master {
namespace {

constexpr int kMaxWaitSeconds = 30;
constexpr int kMaxSlots = 64;
// A claim that could take several jobs waits this long for more of a burst before it looks.
constexpr std::chrono::milliseconds kBurstWait{3};
// Jobs that came back to the queue by themselves are offered to all waiting claims at most this often.
constexpr std::chrono::milliseconds kWakeAllDelay{50};

store::NodeLoad load_of(const api::HeartbeatRequest& body) {
  return {body.load1, body.cpu_percent, body.ram_free_bytes, body.disk_free_bytes, body.slots_free};
}

std::vector<Uuid> attempts_of(const api::HeartbeatRequest& body) {
  std::vector<Uuid> ids;
  for (const api::HeartbeatAttempt& attempt : body.attempts) ids.push_back(attempt.attempt_id);
  return ids;
}

api::ClaimItem claim_item(const store::Claim::Granted& granted, const store::Intervals& intervals,
                          const net::Sealer& sealer) {
  api::ClaimItem item;
  const model::Job& job = granted.job;
  item.job = {job.id, job.sequence_number, job.spec.scenario, job.spec.engine, job.spec.queue, job.effective,
              job.spec.resource_limits};
  unseal_stream_key(item.job.parameters, sealer);
  item.attempt.id = granted.attempt.id;
  item.attempt.number = granted.attempt.number;
  item.attempt.lease_ms = intervals.lease.count();
  item.attempt.renew_ms = intervals.renew.count();
  item.attempt.fence_ms = intervals.fence.count();
  item.attempt.lease_seconds = intervals.lease.count() / 1000;
  item.attempt.renew_seconds = intervals.renew.count() / 1000;
  item.attempt.deadline_seconds = job.spec.resource_limits.timeout_sec;
  item.attempt.session_device = granted.attempt.session_device;
  item.earlier_grants = granted.earlier_grants;
  return item;
}

Status check_wait(int wait) {
  if (wait < 0 || wait > kMaxWaitSeconds) return field_error("wait", cat("must be 0 to ", kMaxWaitSeconds));
  return {};
}

}  // namespace

void Service::register_node(std::shared_ptr<Call> call) {
  auto body = api::decode<api::RegisterRequest>(call->request.body);
  if (!body) return call->fail(body.error());
  if (body->slots < 1 || body->slots > kMaxSlots) return call->fail(field_error("slots", "must be 1 to 64"));
  if (body->instance_id.is_nil()) return call->fail(field_error("instance_id", "is required"));
  if (body->node_id && body->node_id->is_nil()) return call->fail(field_error("node_id", "must not be all zeros"));
  const auto& law = settings_.intervals;
  if (body->heartbeat_seconds && std::chrono::seconds(*body->heartbeat_seconds) * 3 > law.offline)
    return call->fail(field_error("heartbeat_seconds", cat("three heartbeats must fit into the ", law.offline.count() / 1000,
                                                           " s after which a node is offline")));
  store::RegisterNode command;
  command.facts = static_cast<const model::NodeFacts&>(*body);
  if (call->caller.is_node() && body->node_id && *body->node_id != *call->caller.node_id)
    return call->fail(make_error(Errc::kForbidden, "the token belongs to another node"));
  command.node_id = call->caller.is_node() ? call->caller.node_id : body->node_id;
  // A worker names its node before we do: then a registration whose answer was lost finds it when it comes again.
  command.new_node_id = body->node_id.value_or(ids_.next(clock_.now().utc));
  command.instance_id = body->instance_id;
  command.boot_id = body->boot_id;
  command.attempts = body->attempts;
  // A caller without a node token (new, or its token was lost) gets a fresh one, once.
  std::optional<std::string> token;
  if (!call->caller.is_node()) {
    token = net::make_secret("ffn_");
    command.token_hash = net::sha256_hex(*token);
  }
  apply(std::move(command), [this, call, token](Result<store::RegisterNode::Reply> reply) {
    if (!reply) return call->fail(reply.error());
    if (token) auth_.set_node_token(reply->node.id, reply->node.token_hash);
    remember_node(reply->node);
    api::RegisterReply answer;
    answer.node = api::make_node({reply->node, model::NodeStatus::kAvailable, {}, {}});
    answer.token = token;
    for (const auto& verdict : reply->attempts) answer.attempts.push_back({verdict.attempt_id, verdict.keep ? "keep" : "abandon"});
    const auto& waits = settings_.intervals;
    answer.intervals = {waits.heartbeat.count(), waits.lease.count(), waits.renew.count(), waits.fence.count()};
    log::info(reply->created ? "node registered" : "node registered again",
              {{"node", reply->node.facts.name}, {"node_id", reply->node.id.str()}});
    call->ok(answer, reply->created ? 201 : 200);
  });
}

void Service::list_nodes(std::shared_ptr<Call> call) {
  auto query = read_node_query(call->request);
  if (!query) return call->fail(query.error());
  pool_.run([this, call, query = std::move(*query)] {
    auto nodes = store_.nodes();
    if (!nodes) return call->fail(nodes.error());
    const NodePage page = page_of(std::move(*nodes), query);
    api::NodeList list;
    for (const store::NodeView& view : page.nodes) list.nodes.push_back(api::make_node(view));
    list.count = static_cast<int>(list.nodes.size());
    if (page.next_after) list.next_cursor = cursor_of(*page.next_after);
    call->ok(list);
  });
}

void Service::get_node(std::shared_ptr<Call> call) {
  if (const Status none = refuse_query(call->request); !none) return call->fail(none.error());
  auto id = parse_uuid(call->id());
  if (!id) return call->fail(id.error());
  pool_.run([this, call, id = *id] {
    auto nodes = store_.nodes();
    if (!nodes) return call->fail(nodes.error());
    for (const store::NodeView& view : *nodes)
      if (view.node.id == id) return call->ok(api::make_node(view));
    call->fail(make_error(Errc::kNotFound, cat("no node ", id.str())));
  });
}

// One long poll: a heartbeat, and with slots also a claim.
struct Service::Poll {
  std::shared_ptr<Call> call;
  bool is_claim = false;
  store::Heartbeat contact;
  store::Claim claim;
  BootTime give_up;
  store::Heartbeat::Reply seen;                  // of the last look
  std::vector<store::Claim::Granted> granted;
  std::optional<Error> refused;
};

void Service::heartbeat(std::shared_ptr<Call> call) {
  auto body = api::decode<api::HeartbeatRequest>(call->request.body);
  if (!body) return call->fail(body.error());
  if (const Status ok = check_wait(body->wait); !ok) return call->fail(ok.error());
  auto id = parse_uuid(call->id());
  if (!id) return call->fail(id.error());
  if (*id != *call->caller.node_id) return call->fail(make_error(Errc::kForbidden, "the token belongs to another node"));
  auto poll = std::make_shared<Poll>();
  poll->call = std::move(call);
  poll->contact = {*id, body->instance_id, load_of(*body), attempts_of(*body)};
  poll->give_up = clock_.now().boot + std::chrono::seconds(body->wait);
  look(poll);
}

void Service::claim(std::shared_ptr<Call> call) {
  auto body = api::decode<api::ClaimRequest>(call->request.body);
  if (!body) return call->fail(body.error());
  if (const Status ok = check_wait(body->wait); !ok) return call->fail(ok.error());
  if (body->slots < 1 || body->slots > kMaxSlots) return call->fail(field_error("slots", "must be 1 to 64"));
  if (body->claim_id.is_nil()) return call->fail(field_error("claim_id", "is required"));
  if (body->node_id != *call->caller.node_id) return call->fail(make_error(Errc::kForbidden, "the token belongs to another node"));
  auto poll = std::make_shared<Poll>();
  poll->call = std::move(call);
  poll->is_claim = true;
  poll->contact = {body->node_id, body->instance_id, load_of(*body), attempts_of(*body)};
  poll->claim = {body->claim_id, body->node_id, body->instance_id, body->slots};
  poll->give_up = clock_.now().boot + std::chrono::seconds(body->wait);
  look(poll);
}

// A claim's contact and the claim itself go to the writer together: one turn of its queue, one way back.
void Service::look(const std::shared_ptr<Poll>& poll) {
  if (stopping_) return answer(*poll);
  store_.apply(poll->contact, [this, poll](Result<store::Reply> reply) {
    if (reply) poll->seen = std::get<store::Heartbeat::Reply>(std::move(*reply));
    else poll->refused = std::move(reply).error();
    if (!poll->is_claim) server_->post([this, poll] { wait_or_answer(poll); });
  });
  if (!poll->is_claim) return;
  apply(poll->claim, [this, poll](Result<store::Claim::Reply> reply) {
    if (reply) poll->granted = std::move(reply->granted);
    else poll->refused = std::move(reply).error();
    wait_or_answer(poll);
  });
}

void Service::wait_or_answer(const std::shared_ptr<Poll>& poll) {
  if (poll->refused) return poll->call->fail(*poll->refused);
  const auto left = poll->give_up - clock_.now().boot;
  const bool has_news = !poll->granted.empty() || !poll->seen.commands.empty() || !poll->seen.stale.empty();
  if (has_news || left <= std::chrono::nanoseconds(0) || stopping_) return answer(*poll);
  Waiting::Entry entry;
  entry.node_id = poll->contact.node_id;
  entry.is_claim = poll->is_claim;
  entry.wake = [this, poll] {
    if (poll->is_claim && poll->claim.slots > 1) {
      server_->post_after(kBurstWait, [this, poll] { look(poll); });
    } else {
      look(poll);
    }
  };
  entry.expire = [this, poll] { answer(*poll); };
  entry.connection = poll->call->request.connection;
  const std::int64_t ticket = waiting_.add(std::move(entry));
  server_->post_after(std::chrono::duration_cast<std::chrono::milliseconds>(left), [this, ticket] {
    if (auto expired = waiting_.take(ticket)) expired->expire();
  });
}

void Service::answer(const Poll& poll) {
  if (!poll.is_claim) {
    api::HeartbeatReply body;
    body.node_status = poll.seen.node_status;
    body.commands = wire_commands(poll.seen.commands);
    body.stale = poll.seen.stale;
    for (const auto& lease : poll.seen.leases) body.leases.push_back({lease.attempt_id, clock_.now().utc + lease.left});
    return poll.call->ok(body);
  }
  api::ClaimReply body;
  for (const auto& granted : poll.granted) body.claims.push_back(claim_item(granted, settings_.intervals, *sealer_));
  body.commands = wire_commands(poll.seen.commands);
  body.stale = poll.seen.stale;
  body.node_status = poll.seen.node_status;
  poll.call->ok(body);
}

void Service::wake_node(const Uuid& node_id) {
  for (const std::int64_t ticket : waiting_.tickets_of(node_id))
    if (auto entry = waiting_.take(ticket)) entry->wake();
}

void Service::wake_for_session(const Uuid& node_id) {
  const auto facts = node_facts_.find(node_id);
  if (facts != node_facts_.end() && model::has_bounded_sessions(facts->second.encoders)) wake_node(node_id);
}

void Service::wake_for(const model::Requirement& need) {
  auto entry = waiting_.take_claim([&](const Uuid& node_id) {
    const auto facts = node_facts_.find(node_id);
    return facts != node_facts_.end() && !model::unfit_reason(need, node_id, facts->second);
  });
  if (entry) entry->wake();
}

void Service::wake_all_claims() {
  if (std::exchange(wake_all_pending_, true)) return;
  server_->post_after(kWakeAllDelay, [this] {
    wake_all_pending_ = false;
    for (const std::int64_t ticket : waiting_.claim_tickets())
      if (auto entry = waiting_.take(ticket)) entry->wake();
  });
}

}  // namespace ffrtmp::master
