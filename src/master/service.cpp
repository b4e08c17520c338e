#include "master/service.h"

#include <algorithm>
#include <future>

#include "api/routes.h"
#include "base/log.h"
#include "base/text.h"
#include "master/counters.h"

namespace ffrtmp::master {
namespace {

// Leases and retries are checked this often: a lost job is queued again within lease + 2 s.
constexpr std::chrono::milliseconds kSweepEvery{250};
constexpr std::chrono::milliseconds kLogLookEvery{1000};
constexpr std::chrono::hours kCleanEvery{1};

}  // namespace

Service::Service(store::Store& store, const Clock& clock, IdSource& ids, ServiceSettings settings)
    : store_(store),
      clock_(clock),
      ids_(ids),
      settings_(std::move(settings)),
      person_requests_(settings_.person_rate),
      node_requests_(settings_.node_rate),
      logins_(settings_.logins),
      logs_(settings_.log_dir, settings_.log_limits),
      started_(clock.now().boot),
      counters_(std::make_unique<Counters>()) {
  store_.set_listener([this](const store::Effects& effects) { on_commit(effects); });
}

Service::~Service() = default;

Status Service::start(net::Server& server) {
  server_ = &server;
  FFRTMP_ASSIGN(sealer_, net::Sealer::open(settings_.key_file));
  FFRTMP_ASSIGN(const auto keys, store_.keys());
  for (const store::KeyRecord& key : keys) auth_.add_key(key);
  FFRTMP_ASSIGN(auto nodes, store_.nodes());
  for (const store::NodeView& view : nodes) auth_.set_node_token(view.node.id, view.node.token_hash);
  server_->post([this, nodes = std::move(nodes)] {
    for (const store::NodeView& view : nodes) remember_node(view.node);
    sweep_later();
    clean_logs();
    started_serving_ = true;
  });
  return {};
}

void Service::stop() {
  if (server_ == nullptr || stopping_) return;
  auto seen = std::make_shared<std::promise<void>>();
  auto all_seen = seen->get_future();
  server_->post([this, seen = std::move(seen)] {
    stopping_ = true;
    for (const std::int64_t ticket : waiting_.all_tickets())
      if (auto entry = waiting_.take(ticket)) entry->expire();
    auto logs = std::move(log_waiters_);
    log_waiters_.clear();
    for (const auto& [id, look_again] : logs) (*look_again)();
    seen->set_value();
  });
  all_seen.wait();
  pool_.stop();
}

void Service::on_commit(const store::Effects& effects) {
  if (!effects.verdicts.empty()) counters_->count(effects.verdicts);
  if (server_ == nullptr || (!effects.queue_grew && effects.nodes_with_commands.empty())) return;
  server_->post([this, grew = effects.queue_grew, nodes = effects.nodes_with_commands] {
    if (grew) wake_all_claims();
    for (const Uuid& node : nodes) wake_node(node);
  });
}

// Looks again when the log grows, or after a second: it also ends when nothing is written any more.
void Service::wait_for_log(const Uuid& attempt_id, std::function<void()> look_again) {
  const auto waiter = std::make_shared<std::function<void()>>(std::move(look_again));
  log_waiters_.emplace(attempt_id, waiter);
  server_->post_after(kLogLookEvery, [this, attempt_id, weak = std::weak_ptr(waiter)] {
    const auto [first, last] = log_waiters_.equal_range(attempt_id);
    const auto found = std::find_if(first, last, [&](const auto& entry) { return entry.second == weak.lock(); });
    if (found == last) return;
    const auto due = std::move(found->second);
    log_waiters_.erase(found);
    (*due)();
  });
}

void Service::wake_logs(const Uuid& attempt_id) {
  const auto [first, last] = log_waiters_.equal_range(attempt_id);
  std::vector<std::shared_ptr<std::function<void()>>> ready;
  for (auto at = first; at != last; ++at) ready.push_back(std::move(at->second));
  log_waiters_.erase(first, last);
  for (const auto& look_again : ready) (*look_again)();
}

void Service::remember_node(const model::Node& node) { node_facts_[node.id] = node.facts; }

std::optional<std::string> Service::node_name(const std::optional<Uuid>& id) const {
  if (!id) return std::nullopt;
  const auto found = node_facts_.find(*id);
  if (found == node_facts_.end()) return std::nullopt;
  return found->second.name;
}

void Service::clean_logs() {
  pool_.run([this] {
    if (const Status cleaned = logs_.remove_older_than(settings_.log_retention); !cleaned)
      log::warn("old logs of jobs stay", {{"err", cleaned.error().message}});
  });
  server_->post_after(kCleanEvery, [this] {
    if (!stopping_) clean_logs();
  });
}

void Service::sweep_later() {
  server_->post_after(kSweepEvery, [this] {
    if (stopping_) return;
    apply(store::Sweep{}, [this](Result<store::Sweep::Reply> reply) {
      if (!reply) {
        log::error("sweep failed", {{"err", reply.error().message}});
      } else {
        counters_->leases_expired += reply->leases_expired;
        if (reply->leases_expired > 0) log::warn("leases expired", {{"count", cat(reply->leases_expired)}});
      }
      sweep_later();
    });
  });
}

}  // namespace ffrtmp::master
