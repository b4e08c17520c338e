// What a node says of itself.
#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "base/text.h"
#include "store/attempt_end.h"
#include "store/rules.h"

namespace ffrtmp::store {
namespace {

// Former instances that are remembered; a message of one still older is as old as the leases it could hurt.
constexpr std::size_t kFormerInstances = 16;

model::Node make_node(const RegisterNode& command, const std::optional<model::Node>& known, UtcTime now) {
  model::Node node;
  if (known) {
    node = *known;
  } else {
    node.id = command.new_node_id;
    node.registered_at = now;
  }
  if (!command.token_hash.empty()) node.token_hash = command.token_hash;
  node.instance_id = command.instance_id;
  node.boot_id = command.boot_id;
  node.facts = command.facts;
  node.last_heartbeat_at = now;
  return node;
}

LiveNode make_live(const model::Node& node, const LiveNode* before, const Now& now) {
  LiveNode live;
  if (before != nullptr) {
    live.former_instances = before->former_instances;
    if (before->instance_id != node.instance_id) live.former_instances.push_back(before->instance_id);
    if (live.former_instances.size() > kFormerInstances) live.former_instances.erase(live.former_instances.begin());
  }
  live.instance_id = node.instance_id;
  live.facts = std::make_shared<const model::NodeFacts>(node.facts);
  live.draining = node.draining;
  live.seen = true;
  live.last_contact = now.boot;
  live.last_contact_utc = now.utc;
  return live;
}

bool contains(const std::vector<Uuid>& ids, const Uuid& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool is_held(const ApplyContext& context, const Uuid& attempt_id, const Uuid& node_id) {
  const LiveAttempt* live = context.live.attempt(attempt_id);
  return live != nullptr && live->node_id == node_id && live->lease_expires > context.now.boot;
}

// A registration that was under way while a later process of the same node registered would take the node, and the
// attempts of a live worker, away. Instances are version 7 ids: the time in them tells. As clocks can be set back, it
// counts only while the known instance is alive; ids of other versions have no order and always supersede.
bool comes_too_late(const ApplyContext& context, const Uuid& node_id, const LiveNode& known, const Uuid& instance_id) {
  const auto is_v7 = [](const Uuid& id) { return id.bytes[6] >> 4 == 7; };
  if (!is_v7(known.instance_id) || !is_v7(instance_id)) return false;
  constexpr std::size_t kTimeBytes = 6;
  const bool older = std::memcmp(instance_id.bytes.data(), known.instance_id.bytes.data(), kTimeBytes) < 0;
  const bool alive =
      is_online(known, context.now.boot, context.settings.intervals) || !context.live.attempts_of(node_id).empty();
  return older && alive;
}

// One that cannot be read is as good as none: the registration writes the row anew.
Result<std::optional<model::Node>> readable_node(Tx& tx, const Uuid& id) {
  auto node = tx.find_node(id);
  if (node || node.error().code != Errc::kCorrupt) return node;
  log::error("a damaged node is written anew", {{"reason", node.error().message}});
  return std::optional<model::Node>();
}

// Attempts that a new process of the node does not hold are lost. The same process again may be an old copy of its
// first message: what it does not list then is left to the lease.
Status lose_unlisted(Tx& tx, ApplyContext& context, const RegisterNode& command, const model::Node& node,
                     bool same_instance) {
  if (same_instance) return {};
  const std::vector<Uuid> held = context.live.attempts_of(node.id);
  for (const Uuid& id : held)
    if (!contains(command.attempts, id))
      FFRTMP_TRY(lose_attempt(tx, context, id, by_master("worker restarted without it", id)));
  return {};
}

}  // namespace

Result<Reply> apply_register(Tx& tx, ApplyContext& context, const RegisterNode& command) {
  // A registration that comes twice finds under its new id the node that it made the first time.
  std::optional<model::Node> known;
  if (command.node_id) {
    FFRTMP_ASSIGN(known, readable_node(tx, *command.node_id));
  }
  if (!known) {
    FFRTMP_ASSIGN(known, readable_node(tx, command.new_node_id));
  }
  const Uuid node_id = known ? known->id : command.new_node_id;
  const LiveNode* before = context.live.node(node_id);  // also of a row that cannot be read
  if (before != nullptr && (contains(before->former_instances, command.instance_id) ||
                            comes_too_late(context, node_id, *before, command.instance_id)))
    return make_error(Errc::kSuperseded, "a newer instance of this node has registered");
  const bool same_instance = before != nullptr && before->instance_id == command.instance_id;
  RegisterNode::Reply reply;
  reply.created = !known;
  reply.node = make_node(command, known, context.now.utc);
  FFRTMP_TRY(tx.put_node(reply.node));
  context.live.put_node(reply.node.id, make_live(reply.node, before, context.now));
  FFRTMP_TRY(lose_unlisted(tx, context, command, reply.node, same_instance));
  for (const Uuid& id : command.attempts) {
    const bool keep = is_held(context, id, reply.node.id);
    if (keep) renew(context, id);
    reply.attempts.push_back({id, keep});
  }
  return Reply(std::move(reply));
}

Status note_contact(ApplyContext& context, const Uuid& node_id, const Uuid& instance_id, const NodeLoad* load) {
  const LiveNode* known = context.live.node(node_id);
  if (known == nullptr) return make_error(Errc::kNotFound, cat("no node ", node_id.str()));
  if (known->instance_id != instance_id)
    return make_error(Errc::kSuperseded, "a newer instance of this node has registered");
  context.live.note_contact(node_id, context.now, load);
  return {};
}

std::vector<WorkerCommand> pending_commands(const ApplyContext& context, const Uuid& node_id) {
  std::vector<WorkerCommand> commands;
  for (const Uuid& id : context.live.attempts_of(node_id))
    if (const LiveAttempt* live = context.live.attempt(id); live != nullptr && live->pending)
      commands.push_back(*live->pending);
  return commands;
}

Result<Reply> apply_heartbeat(Tx&, ApplyContext& context, const Heartbeat& beat) {
  FFRTMP_TRY(note_contact(context, beat.node_id, beat.instance_id, &beat.load));
  Heartbeat::Reply reply;
  for (const Uuid& id : beat.attempts) {
    if (!is_held(context, id, beat.node_id)) {
      reply.stale.push_back(id);
      continue;
    }
    renew(context, id);
    reply.leases.push_back({id, lease_left(context, id)});
  }
  reply.commands = pending_commands(context, beat.node_id);
  reply.node_status = status_of(*context.live.node(beat.node_id), context.live.attempts_of(beat.node_id).size(),
                                context.now.boot, context.settings.intervals);
  return Reply(std::move(reply));
}

}  // namespace ffrtmp::store
