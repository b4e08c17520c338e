#include "base/fault.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "base/text.h"

namespace ffrtmp::fault {
namespace {

struct Armed {
  std::string op;
  int err = 0;
  std::int64_t left = -1;  // -1: always
};
std::atomic<bool> g_any{false};
std::mutex g_mutex;
// Never destroyed: a thread that a disk holds up is left behind when the process ends, and may ask then.
std::vector<Armed>& g_armed = *new std::vector<Armed>;

struct Name {
  std::string_view text;
  int err;
};
constexpr int kStall = -1;  // no errno: the operation never returns
constexpr std::array kNames{
    Name{"EIO", EIO},       Name{"ENOSPC", ENOSPC}, Name{"EPERM", EPERM},     Name{"EACCES", EACCES},
    Name{"ENOMEM", ENOMEM}, Name{"ESRCH", ESRCH},   Name{"EBUSY", EBUSY},     Name{"EINTR", EINTR},
    Name{"EAGAIN", EAGAIN}, Name{"EROFS", EROFS},   Name{"EINVAL", EINVAL},   Name{"ENOENT", ENOENT},
    Name{"ENODEV", ENODEV}, Name{"EMFILE", EMFILE}, Name{"ENOBUFS", ENOBUFS}, Name{"ECONNRESET", ECONNRESET},
    Name{"STALL", kStall}};

// Outside the lock: other operations go on.
[[noreturn]] void stall() {
  for (;;) pause();
}

int take(std::string_view op) {
  const std::lock_guard lock(g_mutex);
  for (Armed& one : g_armed) {
    if (one.op != op || one.left == 0) continue;
    if (one.left > 0) --one.left;
    return one.err;
  }
  return 0;
}

}  // namespace

Status arm(std::string_view text) {
  std::vector<Armed> armed;
  for (const std::string_view item : split(text, ',')) {
    if (trim(item).empty()) continue;
    const auto parts = split(trim(item), ':');
    Armed one;
    if (parts.size() >= 2)
      for (const Name& name : kNames)
        if (name.text == parts[1]) one.err = name.err;
    if (parts.size() == 3) one.left = parse_int(parts[2]).value_or(0);
    if (parts.size() > 3 || one.err == 0 || one.left == 0)
      return make_error(Errc::kInvalid, cat("fault \"", escape(item), "\": want op:ERRNO[:count]"));
    one.op = parts[0];
    armed.push_back(std::move(one));
  }
  const std::lock_guard lock(g_mutex);
  g_armed = std::move(armed);
  g_any = !g_armed.empty();
  return {};
}

Status arm_from_environment() {
  const char* text = std::getenv("FFRTMP_FAULT");
  return arm(text == nullptr ? "" : text);
}

int next(std::string_view op) {
  if (!g_any.load(std::memory_order_relaxed)) return 0;
  const int err = take(op);
  if (err == kStall) stall();
  return err;
}

Status check(std::string_view op, std::string_view what) {
  const int err = next(op);
  if (err != 0) return sys_error(cat(op, " ", what, " (made to fail)"), err);
  return {};
}

}  // namespace ffrtmp::fault
