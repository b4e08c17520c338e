#pragma once
// GET /sla: how many closed jobs the platform kept its promise to. A job that does not count in the rate (a test, a
// short clip) is in `not_counted`, so that the columns of each row sum to its jobs, and the rows to all closed ones.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace ffrtmp::api {

enum class SlaGrouping : std::uint8_t { kScenario, kQueue, kClassification, kReason };
BOOST_DESCRIBE_ENUM(SlaGrouping, kScenario, kQueue, kClassification, kReason)

struct SlaRow {
  std::string name;  // of the group
  std::int64_t jobs = 0;
  std::int64_t compliant = 0;
  std::int64_t violation = 0;
  std::int64_t undetermined = 0;
  std::int64_t not_counted = 0;
  std::optional<double> rate;  // compliant of the counted ones, 0-1; absent without any
};
BOOST_DESCRIBE_STRUCT(SlaRow, (), (name, jobs, compliant, violation, undetermined, not_counted, rate))

struct SlaReport {
  std::optional<UtcTime> from;  // of the jobs' ends, inclusive
  std::optional<UtcTime> to;    // exclusive
  SlaGrouping by = SlaGrouping::kScenario;
  SlaRow total;
  std::vector<SlaRow> groups;  // by name
};
BOOST_DESCRIBE_STRUCT(SlaReport, (), (from, to, by, total, groups))

[[nodiscard]] SlaReport make_sla_report(const std::vector<store::SlaCount>& counts, SlaGrouping by);

}  // namespace ffrtmp::api
