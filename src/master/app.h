#pragma once
// The master as a running thing: state directory, store, certificates, server.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace ffrtmp::master {

//   <state-dir>/
//     master.db, -wal, -shm   the store (store/sqlite_schema.h)
//     master.lock             flock: one master a directory
//     tls/                    ca.crt ca.key server.crt server.key (net/tls.h)
//     logs/                   one file an attempt (log_store.h)
//     client.yaml             URL, CA and admin key for the CLI, 0600
struct Options {
  std::string state_dir;
  std::string listen = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: a free one
  std::string db = "master.db";  // relative to state_dir
  bool tls = true;
  std::vector<std::string> cert_hosts;
  std::vector<std::string> cert_ips;
  store::Settings store;
  int rate_limit = 100;  // requests a second of each key, twice as many at once; 0: none, of nodes neither
  std::int64_t log_head_bytes = 1 << 20;
  std::int64_t log_tail_bytes = 3 << 20;
  int log_retention_days = 7;
};

class App {
 public:
  // Ready to serve when it returns. kInvalid: settings that contradict; kUnavailable: port or directory in use.
  [[nodiscard]] static Result<std::unique_ptr<App>> start(const Options& options);
  virtual ~App() = default;  // stops: polls are answered, the store is closed
  [[nodiscard]] virtual const std::string& url() const = 0;
  [[nodiscard]] virtual const std::string& client_file() const = 0;
};

}  // namespace ffrtmp::master
