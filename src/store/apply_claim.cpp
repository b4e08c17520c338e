// Which waiting jobs a node gets. Classes are visited by their heads only, so that the cost of a claim does not grow
// with the queue, and a job that this node cannot run is never looked at.
#include <algorithm>
#include <unordered_map>

#include "store/attempt_end.h"
#include "store/rules.h"

namespace ffrtmp::store {
namespace {

// How many jobs that would rather go to another node are passed over in one claim. Past it they are taken: a
// preference must not make a claim read the whole queue.
constexpr int kMaxPassedOver = 64;

// The front of one class, read in growing pieces.
struct Front {
  const RequirementClass* of = nullptr;
  std::vector<QueueEntry> entries;
  std::size_t at = 0;
  bool whole = false;  // entries holds the class to its end

  [[nodiscard]] bool has_next() const { return at < entries.size(); }
  Status read(Tx& tx, int limit) {
    FFRTMP_ASSIGN(entries, tx.head(of->id, limit));
    whole = static_cast<int>(entries.size()) < limit;
    return {};
  }
};

struct Pick {
  QueueEntry entry;
  JobPtr job;
};

class Picker {
 public:
  Picker(Tx& tx, ApplyContext& context, const Uuid& node_id) : tx_(tx), context_(context), node_id_(node_id) {}

  Result<std::vector<Pick>> pick(int slots) {
    FFRTMP_TRY(open_fronts(slots));
    std::vector<Pick> picks;
    while (static_cast<int>(picks.size()) < slots) {
      FFRTMP_ASSIGN(Front* const front, smallest());
      if (front == nullptr) break;
      FFRTMP_TRY(take_from(*front, picks));
    }
    return picks;
  }

 private:
  Status open_fronts(int slots) {
    FFRTMP_ASSIGN(const auto classes, tx_.classes());
    for (const RequirementClass& one : classes) {
      if (one.waiting == 0 || !context_.live.fits(node_id_, one)) continue;
      Front& front = fronts_.emplace_back();
      front.of = &one;
      FFRTMP_TRY(front.read(tx_, slots));
    }
    return {};
  }

  Result<Front*> smallest() {
    Front* best = nullptr;
    for (Front& front : fronts_) {
      // Passing over makes the first piece too short; what is read again starts with what was seen.
      if (!front.has_next() && !front.whole) FFRTMP_TRY(front.read(tx_, static_cast<int>(front.entries.size()) * 2));
      if (!front.has_next()) continue;
      if (best == nullptr || before(front.entries[front.at], best->entries[best->at])) best = &front;
    }
    return best;
  }

  static bool before(const QueueEntry& a, const QueueEntry& b) {
    return a.key != b.key ? a.key < b.key : a.sequence < b.sequence;
  }

  Status take_from(Front& front, std::vector<Pick>& picks) {
    const QueueEntry entry = front.entries[front.at++];
    FFRTMP_ASSIGN(JobPtr job, job_of(tx_, entry.sequence));
    if (passed_over_ < kMaxPassedOver && job->now.avoid_node_id == node_id_ && another_fits(*front.of))
      ++passed_over_;
    else
      picks.push_back({entry, std::move(job)});
    return {};
  }

  bool another_fits(const RequirementClass& one) {
    const auto [known, is_new] = another_.try_emplace(one.id, false);
    if (is_new) known->second = look_for_another(one);
    return known->second;
  }

  bool look_for_another(const RequirementClass& one) {
    return std::any_of(context_.live.nodes().begin(), context_.live.nodes().end(), [&](const auto& entry) {
      const auto& [id, node] = entry;
      return id != node_id_ && !node.draining && is_online(node, context_.now.boot, context_.settings.intervals) &&
             context_.live.fits(id, one);
    });
  }

  Tx& tx_;
  ApplyContext& context_;
  Uuid node_id_;
  std::vector<Front> fronts_;
  int passed_over_ = 0;
  std::unordered_map<ClassId, bool> another_;
};

// The attempts that this claim made when it came before, as far as they still live.
Result<std::vector<Claim::Granted>> repeat(Tx& tx, ApplyContext& context, const std::vector<model::Attempt>& attempts) {
  std::vector<Claim::Granted> granted;
  for (const model::Attempt& attempt : attempts) {
    if (lease_left(context, attempt.id).count() == 0) continue;
    FFRTMP_ASSIGN(const JobPtr job, job_of(tx, attempt.job_sequence));
    FFRTMP_ASSIGN(auto grants, tx.grants_of_job(attempt.job_sequence));
    granted.push_back({*job, attempt, std::move(grants)});
    renew(context, attempt.id);
  }
  return granted;
}

Status grant(Tx& tx, ApplyContext& context, const Claim& claim, Pick pick, Claim::Granted& granted) {
  model::Attempt& attempt = granted.attempt;
  attempt.id = context.ids.next(context.now.utc);
  attempt.job_sequence = pick.entry.sequence;
  attempt.node_id = claim.node_id;
  attempt.claim_id = claim.claim_id;
  attempt.claimed_at = context.now.utc;
  JobChange change(std::move(pick.job), context.now);
  change.set_entry(pick.entry);
  FFRTMP_TRY(change.step(model::Event::kClaim, by_node("claimed", claim.node_id, attempt.id)));
  attempt.number = ++change.now().attempt_count;
  change.now().attempt_id = attempt.id;
  change.now().node_id = claim.node_id;

  if (attempt.number > 1) {
    FFRTMP_ASSIGN(granted.earlier_grants, tx.grants_of_job(attempt.job_sequence));
  }
  FFRTMP_TRY(tx.insert_attempt(attempt));
  FFRTMP_TRY(change.write(tx, context));
  LiveAttempt live;
  live.job_sequence = attempt.job_sequence;
  live.number = attempt.number;
  live.node_id = claim.node_id;
  live.lease_expires = context.now.boot + context.settings.intervals.lease;
  context.live.put_attempt(attempt.id, std::move(live));
  granted.job = change.job();
  return {};
}

int free_slots(const ApplyContext& context, const Claim& claim) {
  const LiveNode& node = *context.live.node(claim.node_id);
  if (node.draining) return 0;
  const auto used = static_cast<int>(context.live.attempts_of(claim.node_id).size());
  return std::min(claim.slots, node.facts->slots - used);
}

}  // namespace

Result<Reply> apply_claim(Tx& tx, ApplyContext& context, const Claim& claim) {
  FFRTMP_TRY(note_contact(context, claim.node_id, claim.instance_id, nullptr));
  FFRTMP_ASSIGN(const auto earlier, tx.attempts_of_claim(claim.node_id, claim.claim_id));
  Claim::Reply reply;
  if (!earlier.empty()) {
    FFRTMP_ASSIGN(reply.granted, repeat(tx, context, earlier));
    return Reply(std::move(reply));
  }
  const int slots = free_slots(context, claim);
  if (slots <= 0) return Reply(std::move(reply));
  FFRTMP_ASSIGN(auto picks, Picker(tx, context, claim.node_id).pick(slots));
  reply.granted.reserve(picks.size());
  for (Pick& pick : picks) FFRTMP_TRY(grant(tx, context, claim, std::move(pick), reply.granted.emplace_back()));
  return Reply(std::move(reply));
}

}  // namespace ffrtmp::store
