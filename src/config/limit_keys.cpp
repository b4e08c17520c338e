#include "config/limit_keys.h"

#include "base/text.h"

namespace ffrtmp::config {
namespace {

using model::Limits;

constexpr std::optional<std::int64_t> kZero = 0;

template <auto kMember>
void set(Limits& limits, std::optional<std::int64_t> value) {
  auto& member = limits.*kMember;
  member.reset();
  if (value) member = static_cast<typename std::remove_reference_t<decltype(member)>::value_type>(*value);
}

constexpr LimitKey kKeys[] = {
    {"cpu-quota", "CPU time, in percent of one CPU; 0: no limit", 0, 100'000, 1, kZero,
     set<&Limits::cpu_quota_percent>},
    {"cpu-weight", "share of the CPU among its siblings, 1-10000; 0: unset", 0, 10'000, 1, kZero,
     set<&Limits::cpu_weight>},
    {"io-weight", "share of the disks among its siblings, 1-10000; 0: unset", 0, 10'000, 1, kZero,
     set<&Limits::io_weight>},
    {"memory-limit", "memory, in MiB; beyond it the kernel kills; 0: no limit", 0, kMaxMib, kMib, kZero,
     set<&Limits::memory_limit_bytes>},
    {"memory-high", "memory, in MiB, beyond which the kernel reclaims; 0: unset", 0, kMaxMib, kMib, kZero,
     set<&Limits::memory_high_bytes>},
    {"io-read-bps", "bytes a second read from each disk; 0: no limit", 0, INT64_MAX, 1, kZero,
     set<&Limits::io_read_bps>},
    {"io-write-bps", "bytes a second written to each disk; 0: no limit", 0, INT64_MAX, 1, kZero,
     set<&Limits::io_write_bps>},
    {"pids-max", "processes and threads; 0: no limit", 0, kMaxPids, 1, kZero, set<&Limits::pids_max>},
    {"nice", "niceness of every thread, -20 to 19", -20, 19, 1, std::nullopt, set<&Limits::nice>},
    {"oom-score-adj", "badness when memory runs out, -1000 to 1000", -1000, 1000, 1, std::nullopt,
     set<&Limits::oom_score_adj>},
};

}  // namespace

std::span<const LimitKey> limit_keys() { return kKeys; }

Status set_limit(const LimitKey& key, const std::string& text, Limits& limits) {
  const auto number = parse_int(text);
  if (!number || *number < key.low || *number > key.high)
    return make_error(Errc::kInvalid, cat("must be a whole number from ", key.low, " to ", key.high));
  key.set(limits, *number == key.none ? std::nullopt : std::optional(*number * key.unit));
  return {};
}

}  // namespace ffrtmp::config
