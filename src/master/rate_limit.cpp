#include "master/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace ffrtmp::master {

std::optional<std::chrono::seconds> RateLimit::take(const std::string& caller, BootTime now) {
  if (rate_.per_second <= 0) return std::nullopt;
  const auto [at, is_new] = buckets_.try_emplace(caller, Bucket{rate_.burst, now});
  Bucket& bucket = at->second;
  const double passed = std::chrono::duration<double>(now - bucket.filled_at).count();
  bucket.tokens = std::min(rate_.burst, bucket.tokens + passed * rate_.per_second);
  bucket.filled_at = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  return std::chrono::seconds(static_cast<std::int64_t>(std::ceil((1 - bucket.tokens) / rate_.per_second)));
}

}  // namespace ffrtmp::master
