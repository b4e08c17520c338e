#include "worker/retry.h"

#include <algorithm>
#include <cstdint>

#include "base/ids.h"

namespace ffrtmp::worker {

std::chrono::milliseconds retry_pause(int tries) {
  const std::int64_t base = std::min<std::int64_t>(30'000, 1000LL << std::min(tries, 5));
  std::uint16_t random = 0;
  fill_random(&random, sizeof random);
  return std::chrono::milliseconds(base * 8 / 10 + base * 4 / 10 * random / 65535);
}

bool is_worth_another_try(Errc code) {
  const int status = http_status(code);
  return status >= 500 || code == Errc::kTooManyRequests || code == Errc::kUnauthorized;
}

}  // namespace ffrtmp::worker
