#pragma once
// How many requests a caller may send: a bucket of `burst` tokens that fills by `per_second`; a request takes one. Only
// callers with a valid secret have one, so their number is that of the keys and nodes. Time is handed in. One thread.
#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace ffrtmp::master {

struct Rate {
  double per_second = 0;  // 0: no limit
  double burst = 0;
};

class RateLimit {
 public:
  explicit RateLimit(Rate rate) : rate_(rate) {}

  // Takes a token; without one: how long until there is one again, in whole seconds as Retry-After wants them.
  [[nodiscard]] std::optional<std::chrono::seconds> take(const std::string& caller, BootTime now);

 private:
  struct Bucket {
    double tokens = 0;
    BootTime filled_at{};
  };

  const Rate rate_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace ffrtmp::master
