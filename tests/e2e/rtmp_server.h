#pragma once
// A real RTMP server on loopback: nginx with the rtmp module, which records what is published; with TLS in front of it
// when asked. One process, on free ports, with its own directory.
#include <memory>
#include <string>

#include "tests/e2e/box.h"

namespace ffrtmp::test {

// A port of 127.0.0.1 that nobody had a moment ago.
int free_port();

class RtmpServer {
 public:
  // `dir` is made; `port` 0: a free one.
  explicit RtmpServer(const std::string& dir, int port = 0, bool tls = false);
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int tls_port() const { return tls_port_; }
  [[nodiscard]] std::string ca_file() const { return dir_ + "/cert.pem"; }
  // What was published to application "live" under that key.
  [[nodiscard]] std::string recording(const std::string& key) const { return dir_ + "/recorded/" + key + ".flv"; }
  void kill() { process_.send(9); }

 private:
  std::string dir_;
  int port_ = 0;
  int tls_port_ = 0;
  Process process_;
};

}  // namespace ffrtmp::test
