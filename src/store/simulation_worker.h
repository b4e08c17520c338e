#pragma once
// A machine of the simulation: a worker process that may crash, stand still or be cut off, and one supervisor a copy,
// which outlives the worker and obeys the fence: no execution later than T after the *sending* of the last message that
// was acknowledged. Kept on its disk: the node's identity and results that were not answered yet.
#include <map>
#include <set>

#include "store/simulation_master.h"

namespace ffrtmp::store::simulation {

class Worker;

// Who executes what: the one invariant that nobody inside the system can see.
class Copies {
 public:
  struct Copy {
    Uuid attempt;
    std::int64_t job = 0;
    BootTime fence;     // frozen from here on
    Duration work{0};   // left
    bool held = false;  // paused by command
    std::int64_t seq = 0;
    std::vector<std::string> acks;
    std::optional<model::AttemptResult> result;  // it does not execute any more; to be delivered
  };

  explicit Copies(World& world) : world_(world) {}

  Copy& start(Copy copy) {
    const Uuid id = copy.attempt;
    Copy& placed = copies_.insert_or_assign(id, std::move(copy)).first->second;
    executes(placed);
    return placed;
  }
  void stop(const Uuid& attempt) { copies_.erase(attempt); }
  Copy* find(const Uuid& attempt) {
    const auto found = copies_.find(attempt);
    return found == copies_.end() ? nullptr : &found->second;
  }
  // Acknowledged: whatever was frozen goes on.
  void renew(Copy& copy, BootTime sent, Duration fence) {
    if (sent + fence <= copy.fence) return;
    copy.fence = sent + fence;
    if (copy.fence > world_.time()) executes(copy);
  }
  [[nodiscard]] int overlaps() const { return overlaps_; }

 private:
  void executes(const Copy& copy) {
    if (copy.result || copy.held) return;
    for (const auto& [id, other] : copies_)
      if (id != copy.attempt && other.job == copy.job && !other.result && !other.held && other.fence > world_.time())
        ++overlaps_;
  }

  World& world_;
  std::map<Uuid, Copy> copies_;
  int overlaps_ = 0;
};

class Worker {
 public:
  Worker(World& world, Master& master, Copies& copies) : world_(world), master_(master), copies_(copies), ids_(world) {
    slots_ = world.pick(1, 3);
    boot();
    supervise();
  }

  // The process dies; with `host` its supervisors too.
  void crash(bool host, Duration down) {
    ++incarnation_;
    up_ = false;
    if (host) drop_running();
    world_.after(down, [this] {
      if (!up_) boot();
    });
  }
  // SIGSTOP and SIGCONT of the worker process; supervisors go on.
  void stand_still(Duration time) { still_until_ = std::max(still_until_, world_.time() + time); }
  void cut_off(Duration time) { cut_until_ = std::max(cut_until_, world_.time() + time); }

 private:
  static constexpr Duration kTick{5000};

  [[nodiscard]] Uuid new_id() { return ids_.next(world_.now().utc); }
  [[nodiscard]] Duration fence() const { return master_.settings().intervals.fence; }

  void boot() {
    up_ = true;
    registered_ = false;
    instance_ = new_id();
    claim_.reset();
    const int incarnation = ++incarnation_;
    world_.after(Duration(10), [this, incarnation] { tick(incarnation); });
  }

  void drop_running() {
    for (auto id = held_.begin(); id != held_.end();) {
      const Copies::Copy* copy = copies_.find(*id);
      if (copy != nullptr && copy->result) {
        ++id;
        continue;
      }
      copies_.stop(*id);
      id = held_.erase(id);
    }
  }

  void drop(const Uuid& attempt) {
    copies_.stop(attempt);
    held_.erase(attempt);
  }

  // Sends, and hands the reply to this process if it still is the one that asked; a process that stands still reads
  // later.
  void ask(Command command, std::function<void(const Result<Reply>&, BootTime sent)> on_reply) {
    if (world_.time() < cut_until_) return;
    const BootTime sent = world_.time();
    const int incarnation = incarnation_;
    master_.call(std::move(command), [this, incarnation, sent, on_reply](const Result<Reply>& reply) {
      if (world_.time() < cut_until_) return;
      auto kept = std::make_shared<Result<Reply>>(reply);
      receive(incarnation, [kept, sent, on_reply] { on_reply(*kept, sent); });
    });
  }

  void receive(int incarnation, std::function<void()> act) {
    if (incarnation != incarnation_ || !up_) return;
    if (world_.time() >= still_until_) return act();
    world_.after(std::chrono::ceil<Duration>(still_until_ - world_.time()),
                 [this, incarnation, act = std::move(act)] { receive(incarnation, act); });
  }

  void tick(int incarnation) {
    if (incarnation != incarnation_ || !up_) return;
    if (world_.time() >= still_until_) work();
    world_.after(kTick, [this, incarnation] { tick(incarnation); });
  }

  void work() {
    if (!registered_) return register_node();
    for (const Uuid& id : std::vector<Uuid>(held_.begin(), held_.end())) speak_of(id);
    if (static_cast<int>(held_.size()) < slots_)
      ask_for_work();
    else if (++quiet_ % 6 == 0)
      beat();
  }

  void register_node() {
    RegisterNode r;
    r.node_id = node_;
    r.new_node_id = fresh_node_;
    r.instance_id = instance_;
    r.facts.slots = slots_;
    r.attempts.assign(held_.begin(), held_.end());
    model::Encoder x264;
    x264.name = "libx264";
    x264.codec = "h264";
    x264.usable = true;
    r.facts.encoders = {x264};
    ask(r, [this](const Result<Reply>& reply, BootTime sent) {
      if (!reply || registered_) return;
      const auto& registered = std::get<RegisterNode::Reply>(*reply);
      registered_ = true;
      node_ = registered.node.id;
      for (const auto& verdict : registered.attempts) judge(verdict.attempt_id, verdict.keep, sent);
    });
  }

  // What the master says of a copy this machine holds.
  void judge(const Uuid& attempt, bool valid, BootTime sent) {
    Copies::Copy* copy = copies_.find(attempt);
    if (copy == nullptr || !held_.contains(attempt)) return;
    if (valid)
      copies_.renew(*copy, sent, fence());
    else
      drop(attempt);
  }

  void ask_for_work() {
    if (!claim_) claim_ = new_id();
    const Uuid claim = *claim_;
    ask(Claim{claim, *node_, instance_, slots_}, [this, claim](const Result<Reply>& reply, BootTime sent) {
      if (!reply) return give_up_if_superseded(reply.error());
      if (claim_ == claim) claim_.reset();  // answered: the next poll is a new one
      for (const auto& one : std::get<Claim::Reply>(*reply).granted) begin(one, sent);
    });
  }

  void begin(const Claim::Granted& granted, BootTime sent) {
    const Uuid id = granted.attempt.id;
    if (!seen_.insert(id).second) return;
    const BootTime until = sent + fence();
    if (until <= world_.time()) return;  // the answer came too late: its lease may be over
    Copies::Copy copy;
    copy.attempt = id;
    copy.job = granted.job.sequence_number;
    copy.fence = until;
    copy.work = world_.pick(Duration(1000), Duration(240'000));
    held_.insert(id);
    copies_.start(std::move(copy));
  }

  void beat() {
    ask(Heartbeat{*node_, instance_, {}, {held_.begin(), held_.end()}},
        [this](const Result<Reply>& reply, BootTime sent) {
          if (!reply) return give_up_if_superseded(reply.error());
          const auto& beat = std::get<Heartbeat::Reply>(*reply);
          for (const auto& lease : beat.leases) judge(lease.attempt_id, true, sent);
          for (const Uuid& id : beat.stale) judge(id, false, sent);
          obey(beat.commands);
        });
  }

  void give_up_if_superseded(const Error& error) {
    if (error.code == Errc::kSuperseded) crash(true, Duration(20'000));
  }

  void speak_of(const Uuid& id) {
    Copies::Copy* copy = copies_.find(id);
    if (copy == nullptr) return;
    if (copy->result) return send_result(*copy);
    ReportProgress r;
    r.attempt_id = id;
    r.node_id = *node_;
    r.seq = ++copy->seq;
    r.acks = copy->acks;
    ask(r, [this, id](const Result<Reply>& reply, BootTime sent) {
      if (!reply) return drop_if_stale(id, reply.error());
      judge(id, true, sent);
      obey(std::get<ReportProgress::Reply>(*reply).commands);
    });
  }

  void drop_if_stale(const Uuid& id, const Error& error) {
    if (error.code == Errc::kStaleAttempt || error.code == Errc::kResultConflict) drop(id);
  }

  void send_result(const Copies::Copy& copy) {
    ask(Finish{copy.attempt, *node_, *copy.result}, [this, id = copy.attempt](const Result<Reply>& reply, BootTime) {
      if (reply)
        drop(id);
      else
        drop_if_stale(id, reply.error());
    });
  }

  void obey(const std::vector<WorkerCommand>& commands) {
    for (const WorkerCommand& command : commands) {
      Copies::Copy* copy = copies_.find(command.attempt_id);
      if (copy == nullptr || !held_.contains(command.attempt_id) || copy->result) continue;
      if (std::find(copy->acks.begin(), copy->acks.end(), command.command_id) != copy->acks.end()) continue;
      copy->acks.push_back(command.command_id);
      if (command.action == Action::kCancel)
        end(*copy, model::ResultStatus::kCanceled, std::nullopt);
      else
        copy->held = command.action == Action::kPause;
    }
  }

  void end(Copies::Copy& copy, model::ResultStatus status, std::optional<model::FailureReason> reason) {
    copy.result = model::AttemptResult{};
    copy.result->result_id = new_id();
    copy.result->status = status;
    copy.result->failure_reason = reason;
  }

  // The supervisors, whatever the worker does.
  void supervise() {
    for (const Uuid& id : std::vector<Uuid>(held_.begin(), held_.end())) {
      Copies::Copy* copy = copies_.find(id);
      if (copy == nullptr || copy->result) continue;
      if (world_.time() > copy->fence + std::chrono::minutes(10)) {
        drop(id);
        continue;
      }
      if (copy->held || world_.time() >= copy->fence) continue;
      copy->work -= kTick;
      if (copy->work > Duration(0)) continue;
      if (world_.chance(0.75))
        end(*copy, model::ResultStatus::kCompleted, std::nullopt);
      else
        end(*copy, model::ResultStatus::kFailed, static_cast<model::FailureReason>(world_.pick(0, 9)));
    }
    world_.after(kTick, [this] { supervise(); });
  }

  World& world_;
  Master& master_;
  Copies& copies_;
  WorldIds ids_;
  int slots_ = 1;
  int incarnation_ = 0;
  bool up_ = false;
  bool registered_ = false;
  int quiet_ = 0;
  BootTime still_until_;
  BootTime cut_until_;
  Uuid fresh_node_ = ids_.next(world_.now().utc);
  std::optional<Uuid> node_;
  Uuid instance_;
  std::optional<Uuid> claim_;
  std::set<Uuid> held_;  // copies on this machine, ended ones until their result is answered
  std::set<Uuid> seen_;
};

}  // namespace ffrtmp::store::simulation
