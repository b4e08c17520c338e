#include "store/writer.h"

#include <algorithm>
#include <future>
#include <iterator>

#include "base/log.h"
#include "base/text.h"

namespace ffrtmp::store {
namespace {

// Commands of one commit. Enough to hide the cost of a sync, few enough that the first of them does not wait long.
constexpr std::size_t kGroup = 512;
// A busy writer waits this long for half as many commands as last time: after a commit the answered ask again within a
// moment, and a commit for the first of them alone would cost as much as one for all. An idle one waits for nobody.
constexpr std::size_t kBusyGroup = 8;
constexpr std::chrono::microseconds kGatherTime{300};
// Readiness asks for an answer within a second.
constexpr std::chrono::milliseconds kProbeTime{900};

// Commands that live in memory: they run even while the disk fails, so that no worker loses its lease to a full disk.
bool is_memory_only(const Command& command) {
  return std::holds_alternative<Heartbeat>(command) || std::holds_alternative<TouchAttempt>(command);
}

}  // namespace

Writer::Writer(Session& session, LiveTable& live, const Settings& settings, const Clock& clock, IdSource& ids)
    : session_(session), live_(live), settings_(settings), clock_(clock), ids_(ids) {
  std::uint32_t seed = 0;
  fill_random(&seed, sizeof seed);
  random_.seed(seed);
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status Writer::start() {
  Effects effects;
  ApplyContext context{clock_.now(), ids_, settings_, live_, effects, 0};
  FFRTMP_TRY(load_live(session_, context));
  FFRTMP_TRY(session_.commit());  // what was set aside
  thread_ = std::thread([this] { run(); });
  return {};
}

void Writer::apply(Command command, Store::Done done) {
  auto item = std::make_unique<Item>(Item{std::move(command), std::move(done), std::nullopt});
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(item));
    if (waiting_.size() != 1 && waiting_.size() != wanted_) return;  // the thread knows already
  }
  work_.notify_one();
}

Status Writer::probe() {
  auto answer = std::make_shared<std::promise<Status>>();
  auto future = answer->get_future();
  {
    const std::lock_guard lock(mutex_);
    probes_.push_back([answer](Status status) { answer->set_value(std::move(status)); });
  }
  work_.notify_one();
  if (future.wait_for(kProbeTime) != std::future_status::ready)
    return make_error(Errc::kStoreUnavailable, "the store did not answer in time");
  return future.get();
}

void Writer::run() {
  while (wait_for_work()) {
    run_probes();
    auto group = take_group();
    if (!group.empty()) run_group(std::move(group));
  }
}

// False once everything is done and the writer is to stop.
bool Writer::wait_for_work() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return stop_ || !waiting_.empty() || !probes_.empty(); });
  if (last_group_ >= kBusyGroup) {
    wanted_ = last_group_ / 2;
    work_.wait_for(lock, kGatherTime, [this] { return stop_ || waiting_.size() >= wanted_ || !probes_.empty(); });
    wanted_ = 1;
  }
  return !(stop_ && waiting_.empty() && probes_.empty());
}

void Writer::run_probes() {
  std::vector<Probe> probes;
  {
    const std::lock_guard lock(mutex_);
    probes.swap(probes_);
  }
  if (probes.empty()) return;
  const Status status = session_.probe();
  for (const Probe& probe : probes) probe(status);
}

Writer::Group Writer::take_group() {
  const std::lock_guard lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kGroup));
  Group group(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  last_group_ = group.size();
  return group;
}

void Writer::run_group(Group group) {
  const auto rows =
      std::stable_partition(group.begin(), group.end(), [](const auto& item) { return is_memory_only(item->command); });
  Group writing(std::make_move_iterator(rows), std::make_move_iterator(group.end()));
  group.erase(rows, group.end());
  for (Group* part : {&group, &writing}) {
    if (part->empty()) continue;
    Effects effects;
    const Status applied = apply_group(*part, effects);
    if (applied && listener_) listener_(effects);
    for (const auto& item : *part) item->done(applied ? *std::move(item->reply) : Result<Reply>(applied.error()));
  }
}

Status Writer::apply_group(Group& group, Effects& effects) {
  while (true) {
    live_.begin_group();
    effects = {};
    Item* damaged = nullptr;
    Status status = try_group(group, effects, damaged);
    if (status) {
      live_.keep_group();
      return status;
    }
    session_.roll_back();
    live_.undo_group();
    if (damaged == nullptr) {
      log::error("store failed", {{"reason", status.error().message}, {"commands", cat(group.size())}});
      return status;
    }
    damaged->met_damage = true;
    log::error("a row of the store is damaged", {{"reason", status.error().message}});
  }
}

Status Writer::try_group(Group& group, Effects& effects, Item*& damaged) {
  for (const auto& item : group) {
    if (item->met_damage) continue;
    item->reply = apply_one(item->command, effects);
    if (*item->reply) continue;
    const Errc code = item->reply->error().code;
    if (code == Errc::kCorrupt) damaged = item.get();
    if (code == Errc::kCorrupt || code == Errc::kStoreUnavailable) return item->reply->error();
  }
  return session_.commit();
}

Result<Reply> Writer::apply_one(const Command& command, Effects& effects) {
  ApplyContext context{clock_.now(), ids_, settings_, live_, effects, draw_jitter()};
  return store::apply(session_, context, command);
}

double Writer::draw_jitter() { return std::uniform_real_distribution<double>(-1, 1)(random_); }

}  // namespace ffrtmp::store
