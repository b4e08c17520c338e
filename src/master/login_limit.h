#pragma once
// How often a peer may fail to log in: so many failures in any window of time, then it waits. Memory is bounded; time
// is handed in. One thread.
#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace ffrtmp::master {

struct LoginLimits {
  std::size_t failures = 10;  // 0: no limit
  std::chrono::seconds window{60};
  std::size_t peers = 4096;  // remembered at most; beyond it the one that failed longest ago is forgotten
};

class LoginLimit {
 public:
  explicit LoginLimit(LoginLimits limits) : limits_(limits) {}

  // How long the peer has to wait until it may try again, in whole seconds as Retry-After wants them; nothing: now.
  [[nodiscard]] std::optional<std::chrono::seconds> wait(std::string_view peer, BootTime now) const;
  void failed(std::string_view peer, BootTime now);
  [[nodiscard]] std::size_t peers() const { return by_peer_.size(); }

 private:
  struct Peer {
    std::string name;
    std::deque<BootTime> failures;  // the latest, oldest first; at most limits_.failures
  };

  LoginLimits limits_;
  std::list<Peer> peers_;  // the one that failed last in front
  std::unordered_map<std::string, std::list<Peer>::iterator> by_peer_;
};

// The part of an address that one holder usually has to itself: IPv4 whole, of IPv6 the first 64 bits.
[[nodiscard]] std::string login_peer(std::string_view address);

}  // namespace ffrtmp::master
