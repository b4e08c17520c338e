#pragma once
// What became of each requested limit, told limit by limit and never guessed: "applied" is what the kernel read back.
#include <boost/describe.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/limits.h"

namespace ffrtmp::govern {

using model::Limits;

enum class LimitName : std::uint8_t {
  kCpuQuota,
  kCpuWeight,
  kMemoryLimit,
  kMemoryHigh,
  kMemorySwapLimit,
  kIoWeight,
  kIoReadBps,
  kIoWriteBps,
  kIoMax,
  kPidsMax,
  kNice,
  kOomScoreAdj
};
BOOST_DESCRIBE_ENUM(LimitName, kCpuQuota, kCpuWeight, kMemoryLimit, kMemoryHigh, kMemorySwapLimit, kIoWeight,
                    kIoReadBps, kIoWriteBps, kIoMax, kPidsMax, kNice, kOomScoreAdj)

enum class LimitStatus : std::uint8_t {
  kApplied,      // written, and read back equal
  kDegraded,     // in force, but it does not hold all that was asked: `detail` says what
  kUnsupported,  // no controller or file for it on this host
  kDenied,       // EPERM, EACCES, EROFS: `err`
  kFailed        // any other errno, or read back different: `observed`
};
BOOST_DESCRIBE_ENUM(LimitStatus, kApplied, kDegraded, kUnsupported, kDenied, kFailed)

struct LimitReport {
  LimitName limit = LimitName::kCpuQuota;
  LimitStatus status = LimitStatus::kFailed;
  int err = 0;           // errno, 0 without
  std::string file;      // path of the control file; empty for nice and oom_score_adj
  std::string wanted;    // as written
  std::string observed;  // as read back, one line
  std::string detail;    // for people
  bool operator==(const LimitReport&) const = default;
};
BOOST_DESCRIBE_STRUCT(LimitReport, (), (limit, status, err, file, wanted, observed, detail))

enum class Governance : std::uint8_t {
  kFull,      // every requested limit is applied (also when none was requested)
  kPartial,   // some are
  kNiceOnly,  // no cgroup limit is, nice or oom_score_adj are
  kObserve    // none is: the process is only watched
};
BOOST_DESCRIBE_ENUM(Governance, kFull, kPartial, kNiceOnly, kObserve)

// Applied or degraded.
[[nodiscard]] bool is_in_force(const LimitReport& report);
// Pure. The limits that are not in force; the memory limit also where another one stands in for it (late_memory.h).
[[nodiscard]] std::vector<LimitName> find_shortfalls(const std::vector<LimitReport>& reports);
// Pure. kDegraded counts as being in force, not as full.
[[nodiscard]] Governance decide_governance(const std::vector<LimitReport>& reports);

// Wire names: "cpu_quota", "applied", "nice_only".
[[nodiscard]] std::string_view name_of(LimitName limit);
[[nodiscard]] std::string_view name_of(LimitStatus status);
[[nodiscard]] std::string_view name_of(Governance governance);

}  // namespace ffrtmp::govern
