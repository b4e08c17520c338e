#include "watch/status.h"

#include "base/text.h"
#include "json/json.h"
#include "net/client.h"
#include "watch/api_view.h"

namespace ffrtmp::watch {
namespace {

constexpr std::chrono::seconds kPatience{5};

Result<std::string> get(const std::string& runtime_dir, const std::string& target) {
  net::ClientOptions options;
  options.base_url = "http://localhost";
  options.unix_path = runtime_dir + "/watch.sock";
  FFRTMP_ASSIGN(const auto client, net::Client::open(std::move(options)));
  net::Request request;
  request.target = target;
  FFRTMP_ASSIGN(net::Response reply, client->send(request, kPatience));
  if (reply.status != 200) return make_error(Errc::kUnavailable, cat(target, ": status ", reply.status));
  return std::move(reply.body);
}

}  // namespace

Result<std::string> ask_status(const std::string& runtime_dir) {
  FFRTMP_ASSIGN(std::string body, get(runtime_dir, "/v1/whole"));
  return body + "\n";
}

std::optional<pid_t> find_daemon(const std::string& runtime_dir) {
  const auto body = get(runtime_dir, "/v1/status");
  if (!body) return std::nullopt;
  const auto status = json::decode<StatusView>(*body, json::UnknownKeys::kIgnore);
  if (!status) return std::nullopt;
  return static_cast<pid_t>(status->pid);
}

}  // namespace ffrtmp::watch
