#include "master/login_limit.h"

#include <arpa/inet.h>

namespace ffrtmp::master {

std::optional<std::chrono::seconds> LoginLimit::wait(std::string_view peer, BootTime now) const {
  const auto found = by_peer_.find(login_peer(peer));
  if (limits_.failures == 0 || found == by_peer_.end()) return std::nullopt;
  const std::deque<BootTime>& failures = found->second->failures;
  if (failures.size() < limits_.failures) return std::nullopt;
  const auto left = failures.front() + limits_.window - now;
  if (left <= left.zero()) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(left);
}

void LoginLimit::failed(std::string_view peer, BootTime now) {
  if (limits_.failures == 0) return;
  const std::string name = login_peer(peer);
  if (const auto found = by_peer_.find(name); found != by_peer_.end()) {
    peers_.splice(peers_.begin(), peers_, found->second);
  } else {
    if (peers_.size() == limits_.peers) {
      by_peer_.erase(peers_.back().name);
      peers_.pop_back();
    }
    peers_.push_front({name, {}});
    by_peer_[name] = peers_.begin();
  }
  std::deque<BootTime>& failures = peers_.front().failures;
  failures.push_back(now);
  if (failures.size() > limits_.failures) failures.pop_front();
}

std::string login_peer(std::string_view address) {
  const std::string text(address);
  in6_addr six{};
  if (inet_pton(AF_INET6, text.c_str(), &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six)) return text;
  return std::string(reinterpret_cast<const char*>(six.s6_addr), 8);
}

}  // namespace ffrtmp::master
