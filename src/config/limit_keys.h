#pragma once
// The limits that are one number, a row each: the flags of `run` and `attach`, and keys and flags of the policy of
// `watch`.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/limits.h"

namespace ffrtmp::config {

inline constexpr std::int64_t kMib = 1 << 20;
inline constexpr std::int64_t kMaxMib = std::int64_t{1} << 40;  // 1 EiB: what fits the kernel's counters
inline constexpr std::int64_t kMaxPids = 4'194'304;             // PID_MAX_LIMIT of a 64-bit kernel

struct LimitKey {
  std::string_view name;  // of the flag: "cpu-quota"
  std::string_view help;
  std::int64_t low;
  std::int64_t high;
  std::int64_t unit;                 // what one of it is in the member below
  std::optional<std::int64_t> none;  // the number that says "no limit"
  void (*set)(model::Limits&, std::optional<std::int64_t>);
};

[[nodiscard]] std::span<const LimitKey> limit_keys();

// Sets the row's limit; kInvalid says what is expected instead of `text`.
[[nodiscard]] Status set_limit(const LimitKey& key, const std::string& text, model::Limits& limits);

}  // namespace ffrtmp::config
