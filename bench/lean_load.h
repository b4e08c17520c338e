#pragma once
// A load that leaves the cores to the server it measures: all connections on one thread, requests written as text, and
// of a reply only its length and its body. It checks that each answer is a 2xx and nothing else.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_context.h"
#include "net/url.h"

namespace ffrtmp::bench {

class LeanLoad {
 public:
  // The next request as on the wire, from the body of the last reply (empty at first); empty ends the connection.
  using Next = std::function<std::string(std::string_view reply)>;

  LeanLoad(const std::string& base_url, const std::string& ca_file);
  ~LeanLoad();
  LeanLoad(const LeanLoad&) = delete;
  LeanLoad& operator=(const LeanLoad&) = delete;

  // Opens one more connection, TLS handshake included.
  void connect(Next next);
  // Sends and receives until each connection has ended.
  void run();

  // A POST of JSON to a path of this server.
  [[nodiscard]] std::string post(std::string_view path, std::string_view bearer, std::string_view body) const;

 private:
  class Connection;
  net::Url url_;
  net::SslCtxPtr tls_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

// What stands in `json` behind `key` (with its quotes, colon and opening quote), up to the next quote; "" without one.
// Moves `at` behind it.
[[nodiscard]] std::string_view text_behind(std::string_view json, std::string_view key, std::size_t& at);

}  // namespace ffrtmp::bench
