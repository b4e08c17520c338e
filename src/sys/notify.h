#pragma once
// What a service tells its systemd: ready, reloading, stopping, alive. Without systemd it says nothing.
// Source: sd_notify(3), the protocol of NOTIFY_SOCKET
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ffrtmp::sys {

class Notifier {
 public:
  // `socket` is NOTIFY_SOCKET, `watchdog_usec` WATCHDOG_USEC of the environment; empty when unset.
  Notifier(std::string socket, std::string_view watchdog_usec);

  // "READY=1\nSTATUS=…". A manager that does not listen is nobody's failure.
  void send(std::string_view message) const;
  // How often "WATCHDOG=1" is due: half of what systemd waits.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const { return interval_; }

 private:
  std::string socket_;
  std::optional<std::chrono::microseconds> interval_;
};

}  // namespace ffrtmp::sys
