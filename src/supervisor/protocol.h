#pragma once
// What worker and supervisor say to each other over control.sock, and the files they leave for each other.
// One JSON text a message; each request is answered by one Reply, in order.
#include <boost/describe.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "supervisor/link.h"

namespace ffrtmp::supervisor {

// State (with the last progress block twice) stays far below.
inline constexpr std::size_t kMaxMessageBytes = 128 << 10;

enum class Op : std::uint8_t { kStart, kWait, kRenew, kPause, kResume, kCancel };
BOOST_DESCRIBE_ENUM(Op, kStart, kWait, kRenew, kPause, kResume, kCancel)

struct Request {
  Op op = Op::kWait;
  std::int64_t seen = -1;  // kWait: answered when Reply::version is another, or after wait_ms
  std::int64_t wait_ms = 0;
  std::int64_t fence_boot_ns = 0;  // kRenew
  std::int64_t grace_ms = 0;       // kCancel
};
BOOST_DESCRIBE_STRUCT(Request, (), (op, seen, wait_ms, fence_boot_ns, grace_ms))

struct Reply {
  std::int64_t version = 0;  // grows with each change worth telling
  std::string error;         // the request could not be carried out
  State state;
};
BOOST_DESCRIBE_STRUCT(Reply, (), (version, error, state))

// supervisor.json: finds a supervisor whose worker is gone.
struct Identity {
  std::string attempt;
  std::string boot_id;
  std::int64_t pid = 0;  // in the initial PID namespace of /proc
  std::int64_t start_ticks = 0;
};
BOOST_DESCRIBE_STRUCT(Identity, (), (attempt, boot_id, pid, start_ticks))

[[nodiscard]] std::string encode_request(const Request& request);
[[nodiscard]] Result<Request> decode_request(std::string_view text);
[[nodiscard]] std::string encode_reply(const Reply& reply);
[[nodiscard]] Result<Reply> decode_reply(std::string_view text);

[[nodiscard]] Status save_plan(const std::string& dir, const Plan& plan);
[[nodiscard]] Result<Plan> load_plan(const std::string& dir);
[[nodiscard]] Status save_identity(const std::string& dir, const Identity& identity);
[[nodiscard]] Result<Identity> load_identity(const std::string& dir);
// Flushed to disk: it is the only word on how the engine ended.
[[nodiscard]] Status save_exit(const std::string& dir, const Exit& exit);
[[nodiscard]] Result<Exit> load_exit(const std::string& dir);

}  // namespace ffrtmp::supervisor
