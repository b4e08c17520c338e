// Which waiting jobs a node gets. Classes are visited by their heads only, so that the cost of a claim does not grow
// with the queue, and a job that this node cannot run is never looked at.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/log.h"
#include "model/encoder_choice.h"
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
  void close() {
    entries.clear();
    whole = true;
  }
  Status read(Tx& tx, int limit) {
    FFRTMP_ASSIGN(entries, tx.head(of->id, limit));
    whole = static_cast<int>(entries.size()) < limit;
    return {};
  }
};

struct Pick {
  QueueEntry entry;
  JobPtr job;
  std::optional<std::string> session_device = std::nullopt;  // where it gets a session
  std::vector<model::PublishGrant> earlier_grants = {};
};

// Sessions of one node's hardware encoders: those that its live attempts hold, and those that this claim hands out.
class Sessions {
 public:
  Sessions(const LiveTable& live, const Uuid& node_id)
      : facts_(*live.node(node_id)->facts), is_bounded_(model::has_bounded_sessions(facts_.encoders)) {
    if (!is_bounded_) return;
    for (const Uuid& id : live.attempts_of(node_id))
      if (const auto& device = live.attempt(id)->session_device) ++held_[*device];
  }

  // Takes what the job needs. False: it can run here, but has to wait until somebody gives a session back.
  bool take(const model::Job& job, std::optional<std::string>& device) {
    if (!is_bounded_ || job.spec.engine == model::Engine::kGstreamer) return true;  // GStreamer encodes on the CPU
    const auto is_free = [this](const std::string& of, int sessions) { return held_[of] < sessions; };
    const auto chosen = model::choose_encoder(job.effective, model::within_sessions(facts_.encoders, is_free));
    if (!chosen) return !model::choose_encoder(job.effective, facts_.encoders);
    device = chosen->session_device;
    if (device) ++held_[*device];
    return true;
  }

 private:
  const model::NodeFacts& facts_;
  bool is_bounded_;
  std::unordered_map<std::string, int> held_;
};

class Picker {
 public:
  Picker(Tx& tx, ApplyContext& context, const Uuid& node_id)
      : tx_(tx), context_(context), node_id_(node_id), sessions_(context.live, node_id) {}

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
    FFRTMP_ASSIGN(JobPtr job, readable_job(tx_, entry.sequence));
    if (!job) return {};
    if (passed_over_ < kMaxPassedOver && job->now.avoid_node_id == node_id_ && another_fits(*front.of)) {
      ++passed_over_;
      return {};
    }
    Pick pick{entry, std::move(job)};
    if (pick.job->now.attempt_count > 0) {
      auto grants = tx_.grants_of_job(entry.sequence);
      if (!grants && grants.error().code == Errc::kCorrupt) return set_aside(tx_, entry.sequence, grants.error());
      FFRTMP_ASSIGN(pick.earlier_grants, std::move(grants));
    }
    if (sessions_.take(*pick.job, pick.session_device))
      picks.push_back(std::move(pick));
    else
      front.close();  // all of a class need the same
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
  Sessions sessions_;
  std::vector<Front> fronts_;
  int passed_over_ = 0;
  std::unordered_map<ClassId, bool> another_;
};

Result<Claim::Granted> granted_again(Tx& tx, const model::Attempt& attempt) {
  FFRTMP_ASSIGN(const JobPtr job, job_of(tx, attempt.job_sequence));
  FFRTMP_ASSIGN(auto grants, tx.grants_of_job(attempt.job_sequence));
  return Claim::Granted{*job, attempt, std::move(grants)};
}

// The attempts that this claim made when it came before, as far as they still live. One that cannot be read is left to
// its lease: a claim that failed for it would come again for ever.
Result<std::vector<Claim::Granted>> repeat(Tx& tx, ApplyContext& context, const std::vector<model::Attempt>& attempts) {
  std::vector<Claim::Granted> granted;
  for (const model::Attempt& attempt : attempts) {
    if (lease_left(context, attempt.id).count() == 0) continue;
    auto one = granted_again(tx, attempt);
    if (!one && one.error().code == Errc::kCorrupt) {
      log::error("a repeated claim leaves an attempt out",
                 {{"attempt", attempt.id.str()}, {"reason", one.error().message}});
      continue;
    }
    FFRTMP_ASSIGN(granted.emplace_back(), std::move(one));
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
  attempt.session_device = std::move(pick.session_device);
  JobChange change(std::move(pick.job), context.now);
  change.set_entry(pick.entry);
  FFRTMP_TRY(change.step(model::Event::kClaim, by_node("claimed", claim.node_id, attempt.id)));
  attempt.number = ++change.now().attempt_count;
  change.now().attempt_id = attempt.id;
  change.now().node_id = claim.node_id;

  granted.earlier_grants = std::move(pick.earlier_grants);
  FFRTMP_TRY(tx.insert_attempt(attempt));
  FFRTMP_TRY(change.write(tx, context));
  context.live.put_attempt(attempt.id, live_of(attempt, context));
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
