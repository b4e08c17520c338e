#include "worker/metrics_server.h"

#include "api/codec.h"
#include "api/wire.h"
#include "base/clock.h"
#include "base/errc.h"
#include "base/version.h"
#include "net/url.h"

namespace ffrtmp::worker {
namespace {

net::Response answer(const net::Request& request, const Metrics& metrics, BootTime started) {
  const auto fail = [](const Error& error) {
    return net::Response{http_status(error.code), "application/json", api::encode_error(error), {}};
  };
  const bool is_known = request.path() == "/metrics" || request.path() == "/healthz";
  if (!is_known) return fail(make_error(Errc::kNotFound, "no such path"));
  if (request.method != "GET" && request.method != "HEAD") return fail(make_error(Errc::kMethodNotAllowed, "only GET"));
  if (request.path() == "/metrics") return {200, std::string(metrics::kContentType), metrics.expose(), {}};
  api::HealthReply health;
  health.status = "ok";
  health.role = "worker";
  health.version = std::string(version());
  health.uptime_seconds = std::chrono::duration<double>(BootClock::now() - started).count();
  return {200, "application/json", api::encode(health), {}};
}

}  // namespace

std::string metrics_address(const Settings& settings) {
  if (!settings.metrics_listen.empty()) return settings.metrics_listen;
  const auto master = net::parse_url(settings.master_url);
  const bool is_here =
      master && (master->host == "localhost" || master->host == "::1" || master->host.starts_with("127."));
  return is_here ? "127.0.0.1" : "0.0.0.0";
}

Result<std::unique_ptr<net::Server>> start_metrics_server(const Settings& settings, const Metrics& metrics) {
  net::ServerOptions options;
  options.listen = metrics_address(settings);
  options.port = settings.metrics_port;
  options.body_limit = [](std::string_view, std::string_view) { return std::size_t{0}; };
  return net::Server::start(std::move(options), [&metrics, started = BootClock::now()](const net::Request& request,
                                                                                       const net::Respond& respond) {
    respond(answer(request, metrics, started));
  });
}

}  // namespace ffrtmp::worker
