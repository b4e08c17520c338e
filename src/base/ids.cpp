#include "base/ids.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>

namespace ffrtmp {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_dash_position(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

std::string Uuid::str() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (const std::uint8_t byte : bytes) {
    if (is_dash_position(text.size())) text += '-';
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

Result<Uuid> parse_uuid(std::string_view text) {
  const auto bad = [&] { return make_error(Errc::kInvalid, "\"" + std::string(text) + "\" is not a UUID"); };
  if (text.size() != 36) return bad();
  Uuid id;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash_position(i)) {
      if (text[i] != '-') return bad();
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return bad();
    std::uint8_t& byte = id.bytes[nibble / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | value);
    ++nibble;
  }
  return id;
}

void fill_random(void* data, std::size_t size) {
  auto* at = static_cast<std::uint8_t*>(data);
  while (size > 0) {
    const ssize_t got = getrandom(at, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();  // getrandom cannot fail otherwise with valid arguments
    }
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

Uuid make_uuid7(UtcTime time, const std::array<std::uint8_t, 10>& random) {
  const auto millis = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
  Uuid id;
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(millis >> (8 * (5 - i)));
  std::memcpy(id.bytes.data() + 6, random.data(), random.size());
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (id.bytes[6] & 0x0f));
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

Uuid RandomIds::next(UtcTime now) {
  // One system call serves many ids: getrandom costs as much as the rest of a claim's arithmetic.
  static std::mutex mutex;
  static std::array<std::array<std::uint8_t, 10>, 64> pool;
  static std::size_t left = 0;
  const std::lock_guard lock(mutex);
  if (left == 0) {
    fill_random(pool.data(), sizeof pool);
    left = pool.size();
  }
  return make_uuid7(now, pool[--left]);
}

}  // namespace ffrtmp
