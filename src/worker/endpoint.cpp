#include "worker/endpoint.h"

#include "api/wire.h"
#include "base/text.h"
#include "base/version.h"
#include "json/json.h"
#include "sys/spawn.h"

namespace ffrtmp::worker {
namespace {

constexpr double kMaxDiskRatio = 0.9;
constexpr std::size_t kMaxBody = 1024;

// `reason` nullptr: fine. They are from a fixed list: nothing of the box itself is told to whoever asks.
api::CheckBody check(const char* reason, std::optional<double> age_seconds = std::nullopt) {
  if (reason == nullptr) return {"ok", std::nullopt, age_seconds};
  return {"failed", reason, age_seconds};
}

class Endpoint {
 public:
  Endpoint(EndpointSettings settings, LoadMeter& load, Meters& meters, std::function<bool()> is_draining)
      : settings_(std::move(settings)), load_(load), meters_(meters), is_draining_(std::move(is_draining)) {}

  net::Response answer(const net::Request& request) const {
    if (request.method != "GET") return error(405, "method_not_allowed", "only GET");
    const std::string_view path = request.path();
    if (path == "/metrics") return {200, std::string(metrics::kContentType), meters_.expose(), {}};
    if (path == "/healthz") return json_reply(200, health());
    if (path == "/readyz") return readiness();
    if (path == "/violations") return json_reply(200, meters_.violations());
    return error(404, "not_found", "no such route");
  }

  static net::Response error(int status, const char* code, std::string_view message) {
    return {status, "application/json", json::encode(api::ErrorReply{{code, std::string(message), std::nullopt}}), {}};
  }

 private:
  template <class Body>
  static net::Response json_reply(int status, const Body& body) {
    return {status, "application/json", json::encode(body), {}};
  }

  api::HealthReply health() const { return {"ok", "worker", std::string(version()), meters_.uptime_seconds(), {}}; }

  net::Response readiness() const {
    const bool has_ffmpeg = sys::find_program(settings_.ffmpeg, sys::own_environment()).has_value();
    const auto disk = load_.used_disk_ratio();
    const double silence = meters_.silence_seconds();
    api::HealthReply body = health();
    body.add("ffmpeg", check(has_ffmpeg ? nullptr : "ffmpeg_missing"));
    body.add("disk", check(!disk ? "disk_unknown" : *disk > kMaxDiskRatio ? "disk_full" : nullptr));
    body.add("master", check(silence > settings_.max_silence_seconds ? "master_silent" : nullptr, silence));
    body.add("drain", check(is_draining_() ? "draining" : nullptr));
    return json_reply(body.http_status(), body);
  }

  const EndpointSettings settings_;
  LoadMeter& load_;
  Meters& meters_;
  const std::function<bool()> is_draining_;
};

}  // namespace

Result<std::unique_ptr<net::Server>> start_endpoint(EndpointSettings settings, LoadMeter& load, Meters& meters,
                                                    std::function<bool()> is_draining) {
  net::ServerOptions options;
  options.listen = settings.listen;
  options.port = settings.port;
  options.body_limit = [](std::string_view, std::string_view) { return kMaxBody; };
  options.error_body = [](int status, std::string_view message) {
    return Endpoint::error(status, "bad_request", message).body;
  };
  auto endpoint = std::make_shared<Endpoint>(std::move(settings), load, meters, std::move(is_draining));
  return net::Server::start(std::move(options), [endpoint](const net::Request& request, const net::Respond& respond) {
    respond(endpoint->answer(request));
  });
}

}  // namespace ffrtmp::worker
