#pragma once
// A link to an HTTP server on loopback that loses answers: a request passes, the server answers, and the client's
// connection is closed without a byte of it.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/text.h"

namespace ffrtmp::test {

class LossyLink {
 public:
  // `server` is http://127.0.0.1:PORT. The answers of the first `losses` connections whose request begins with
  // `request` are lost; all else passes.
  LossyLink(const std::string& server, std::string request, int losses)
      : server_port_(static_cast<int>(parse_int(server.substr(server.rfind(':') + 1)).value_or(0))),
        request_(std::move(request)),
        losses_(losses) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~LossyLink() {
    stop_ = true;
    acceptor_.join();
    for (std::thread& one : connections_) one.join();
    close(listener_);
  }
  LossyLink(const LossyLink&) = delete;
  LossyLink& operator=(const LossyLink&) = delete;

  [[nodiscard]] std::string url() const { return cat("http://127.0.0.1:", port_); }
  [[nodiscard]] int lost() const { return lost_; }

 private:
  static constexpr int kTick = 50;  // ms between looks at stop_

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }

  static bool pass(int to, std::string_view data) {
    while (!data.empty()) {
      const ssize_t sent = send(to, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void accept_all() {
    while (!stop_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, kTick) <= 0) continue;
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client >= 0) connections_.emplace_back([this, client] { carry(client); });
    }
  }

  void carry(int client) {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) carry(client, server);
    close(server);
    close(client);
  }

  // Until one side ends, or an answer is lost.
  void carry(int client, int server) {
    std::array<char, 16384> buffer{};
    bool loses = false;
    while (!stop_) {
      std::array<pollfd, 2> ready{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
      if (poll(ready.data(), ready.size(), kTick) <= 0) continue;
      for (const pollfd& one : ready) {
        if (one.revents == 0) continue;
        const ssize_t got = recv(one.fd, buffer.data(), buffer.size(), 0);
        if (got <= 0) return;
        const std::string_view data(buffer.data(), static_cast<std::size_t>(got));
        if (one.fd == client && data.starts_with(request_)) loses = losses_.fetch_sub(1) > 0;
        if (one.fd == server && loses) {
          ++lost_;
          return;
        }
        if (!pass(one.fd == client ? server : client, data)) return;
      }
    }
  }

  int server_port_;
  std::string request_;
  std::atomic<int> losses_;
  std::atomic<int> lost_{0};
  std::atomic<bool> stop_{false};
  int listener_ = -1;
  int port_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> connections_;
};

}  // namespace ffrtmp::test
