#include "master/app.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "api/client_file.h"
#include "api/codec.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/text.h"
#include "master/service.h"
#include "net/digest.h"
#include "net/server.h"
#include "net/tls.h"
#include "sys/fd.h"
#include "sys/file_io.h"
#include "sys/lock.h"

namespace ffrtmp::master {
namespace {

constexpr double kNodeRequestsPerSecond = 2000;  // of each node's token; contract fleet.md 8

std::string server_error_body(int status, std::string_view message) {
  Errc code = Errc::kInvalid;
  if (status == 413) code = Errc::kTooLarge;
  if (status >= 500) code = Errc::kInternal;
  return api::encode_error(make_error(code, std::string(message)));
}

Status make_private_dir(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return make_error(Errc::kIo, cat("cannot make ", path, ": ", error.message()));
  if (chmod(path.c_str(), 0700) != 0) return last_sys_error(cat("chmod ", path));
  return {};
}

// Held for as long as the descriptor is open.
Result<sys::Fd> take_lock(const std::string& path) {
  FFRTMP_ASSIGN(sys::Fd fd, sys::open_file(path, O_RDWR | O_CREAT, 0600));
  if (!sys::try_lock(fd.get())) return make_error(Errc::kUnavailable, cat(path, " is held by another master"));
  return fd;
}

class RunningApp final : public App {
 public:
  RunningApp(const Options& options, sys::Fd lock) : options_(options), lock_(std::move(lock)) {}
  ~RunningApp() override {
    if (server_) {
      server_->stop_accepting();
      service_->stop();
    }
    store_.reset();   // the last commands are committed and answered
    server_.reset();  // then nobody calls the service any more
    service_.reset();
  }

  Status begin() {
    const std::string db = std::filesystem::path(options_.state_dir) / options_.db;
    FFRTMP_ASSIGN(store_, store::open_sqlite_store(db, options_.store, clock_, ids_));
    ServiceSettings settings;
    settings.intervals = options_.store.intervals;
    settings.default_max_retries = options_.store.max_retries;
    settings.log_limits = {options_.log_head_bytes, options_.log_tail_bytes};
    settings.log_dir = options_.state_dir + "/logs";
    settings.log_retention = std::chrono::hours(24 * options_.log_retention_days);
    if (options_.rate_limit > 0) {
      settings.person_rate = {static_cast<double>(options_.rate_limit), static_cast<double>(2 * options_.rate_limit)};
      settings.node_rate = {kNodeRequestsPerSecond, kNodeRequestsPerSecond};
    }
    FFRTMP_TRY(make_private_dir(settings.log_dir));
    settings.key_file = options_.state_dir + "/secrets.key";
    service_ = std::make_unique<Service>(*store_, clock_, ids_, settings);
    FFRTMP_TRY(listen());
    FFRTMP_TRY(write_client_file());
    return service_->start(*server_);
  }

  const std::string& url() const override { return url_; }
  const std::string& client_file() const override { return client_file_; }

 private:
  Status listen() {
    net::ServerOptions server;
    server.listen = options_.listen;
    server.port = options_.port;
    server.body_limit = api::max_body;
    server.error_body = server_error_body;
    if (options_.tls) {
      FFRTMP_TRY(make_private_dir(options_.state_dir + "/tls"));
      FFRTMP_ASSIGN(server.tls, net::ensure_certificates(options_.state_dir + "/tls", options_.cert_hosts, options_.cert_ips));
      ca_file_ = server.tls->ca;
    }
    FFRTMP_ASSIGN(server_, net::Server::start(std::move(server), [this](net::Request request, net::Respond respond) {
                    service_->handle(std::move(request), std::move(respond));
                  }));
    const bool any = options_.listen == "0.0.0.0" || options_.listen == "::";
    const std::string host = any ? "localhost" : options_.listen.find(':') != std::string::npos ? cat("[", options_.listen, "]") : options_.listen;
    url_ = cat(options_.tls ? "https" : "http", "://", host, ":", server_->port());
    return {};
  }

  // The admin key is made at the first start; client.yaml is the only place that holds it in plain.
  Status write_client_file() {
    client_file_ = options_.state_dir + "/client.yaml";
    FFRTMP_ASSIGN(const auto keys, store_->keys());
    api::ClientFile file;
    if (auto old = api::load_client_file(client_file_)) file = *old;
    const bool known = std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key.hash == net::sha256_hex(file.key); });
    if (file.key.empty() || !known) {
      file.key = net::make_secret("ffk_");
      store::CreateKey create;
      create.key = {cat("k", keys.size() + 1), keys.empty() ? "admin" : cat("admin-", keys.size() + 1), "admin",
                    net::sha256_hex(file.key), clock_.now().utc};
      FFRTMP_TRY(store_->apply_wait(create));
    }
    file.url = url_;
    file.ca = ca_file_;
    return api::save_client_file(client_file_, file);
  }

  Options options_;
  sys::Fd lock_;
  SystemClock clock_;
  RandomIds ids_;
  std::string url_;
  std::string ca_file_;
  std::string client_file_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace

Result<std::unique_ptr<App>> App::start(const Options& options) {
  FFRTMP_TRY(store::check_intervals(options.store.intervals));
  FFRTMP_TRY(make_private_dir(options.state_dir));
  FFRTMP_ASSIGN(sys::Fd lock, take_lock(options.state_dir + "/master.lock"));
  auto app = std::make_unique<RunningApp>(options, std::move(lock));
  FFRTMP_TRY(app->begin());
  return std::unique_ptr<App>(std::move(app));
}

}  // namespace ffrtmp::master
