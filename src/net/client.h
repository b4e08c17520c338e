#pragma once
// Blocking HTTP/1.1 client over one kept connection, with TLS. One thread uses it; another may interrupt() it.
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/http.h"

namespace ffrtmp::net {

struct ClientOptions {
  std::string base_url;     // "https://host:port" or "http://…"; the path of a request is added
  std::string ca_file{};    // PEM; empty: the system's
  bool verify = true;       // certificate and host name; off by flag only
  std::string bearer{};     // Authorization: Bearer …; empty: none
  std::string unix_path{};  // connect to this socket file; of base_url only the Host header is left then
};

class Client {
 public:
  // kInvalid for a URL that is none, or a CA file that cannot be read.
  [[nodiscard]] static Result<std::unique_ptr<Client>> open(ClientOptions options);
  virtual ~Client() = default;
  // Any status is a value; kUnavailable (refused, reset, TLS), kTimeout after `timeout` in all. A kept connection that
  // the server has closed meanwhile is opened anew, once, before anything of the reply was read.
  [[nodiscard]] virtual Result<Response> send(const Request& request, std::chrono::milliseconds timeout) = 0;
  // Makes a send() in progress return kUnavailable soon; without one, the next. Any thread.
  virtual void interrupt() = 0;
  virtual void set_bearer(std::string token) = 0;
};

}  // namespace ffrtmp::net
