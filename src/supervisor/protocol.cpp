#include "supervisor/protocol.h"

#include "base/text.h"
#include "json/json.h"
#include "sys/file_io.h"

namespace ffrtmp::supervisor {
namespace {

constexpr std::size_t kMaxFileBytes = 4 << 20;

template <class T>
Result<T> load(const std::string& dir, std::string_view name) {
  const std::string path = cat(dir, "/", name);
  FFRTMP_ASSIGN(const std::string text, sys::read_text(path, kMaxFileBytes));
  auto value = json::decode<T>(text, json::UnknownKeys::kIgnore);
  if (!value) return make_error(Errc::kCorrupt, cat(path, ": ", value.error().field, " ", value.error().message));
  return value;
}

template <class T>
Status save(const std::string& dir, std::string_view name, const T& value, sys::Sync sync) {
  return sys::write_atomic(cat(dir, "/", name), json::encode(value) + "\n", 0600, sync);
}

}  // namespace

std::string encode_request(const Request& request) { return json::encode(request); }
Result<Request> decode_request(std::string_view text) {
  return json::decode<Request>(text, json::UnknownKeys::kIgnore);
}
std::string encode_reply(const Reply& reply) { return json::encode(reply); }
Result<Reply> decode_reply(std::string_view text) { return json::decode<Reply>(text, json::UnknownKeys::kIgnore); }

Status save_plan(const std::string& dir, const Plan& plan) { return save(dir, "plan.json", plan, sys::Sync::kNo); }
Result<Plan> load_plan(const std::string& dir) { return load<Plan>(dir, "plan.json"); }
Status save_identity(const std::string& dir, const Identity& identity) {
  return save(dir, "supervisor.json", identity, sys::Sync::kNo);
}
Result<Identity> load_identity(const std::string& dir) { return load<Identity>(dir, "supervisor.json"); }
Status save_exit(const std::string& dir, const Exit& exit) { return save(dir, "exit.json", exit, sys::Sync::kYes); }
Result<Exit> load_exit(const std::string& dir) { return load<Exit>(dir, "exit.json"); }

}  // namespace ffrtmp::supervisor
