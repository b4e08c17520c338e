#include "govern/limits.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "govern/error_class.h"
#include "govern/job_id.h"
#include "json/json.h"

namespace ffrtmp::govern {
namespace {

LimitReport report(LimitName limit, LimitStatus status) { return {limit, status, 0, {}, {}, {}, {}}; }

TEST(DecideGovernance, Table) {
  using N = LimitName;
  using S = LimitStatus;
  struct Row {
    const char* what;
    std::vector<LimitReport> reports;
    Governance expected;
  };
  const Row rows[] = {
      {"nothing asked", {}, Governance::kFull},
      {"all applied", {report(N::kCpuQuota, S::kApplied), report(N::kNice, S::kApplied)}, Governance::kFull},
      {"one degraded", {report(N::kCpuQuota, S::kApplied), report(N::kMemoryHigh, S::kDegraded)}, Governance::kPartial},
      {"only degraded", {report(N::kMemoryHigh, S::kDegraded)}, Governance::kPartial},
      {"one failed", {report(N::kCpuQuota, S::kApplied), report(N::kPidsMax, S::kFailed)}, Governance::kPartial},
      {"nice left", {report(N::kCpuQuota, S::kDenied), report(N::kNice, S::kApplied)}, Governance::kNiceOnly},
      {"score left",
       {report(N::kCpuQuota, S::kUnsupported), report(N::kOomScoreAdj, S::kApplied)},
       Governance::kNiceOnly},
      {"none", {report(N::kCpuQuota, S::kUnsupported), report(N::kNice, S::kDenied)}, Governance::kObserve},
  };
  for (const Row& row : rows) EXPECT_EQ(decide_governance(row.reports), row.expected) << row.what;
}

template <class E>
void expect_names_are_json_names() {
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(
      [](auto d) { EXPECT_EQ(name_of(d.value), json::enum_name(d.value)); });
}

TEST(Names, AreTheOnesInRecords) {
  expect_names_are_json_names<LimitName>();
  expect_names_are_json_names<LimitStatus>();
  expect_names_are_json_names<Governance>();
  expect_names_are_json_names<ErrorClass>();
}

TEST(Classify, Table) {
  using C = ErrorClass;
  struct Row {
    C expected;
    std::vector<int> errors;
  };
  const Row rows[] = {
      {C::kTransient, {EINTR, EAGAIN, EBUSY, ETIMEDOUT, ECONNREFUSED, ECONNRESET, EPIPE}},
      {C::kResource, {ENOMEM, EMFILE, ENFILE, ENOSPC, EDQUOT}},
      {C::kRateLimit, {ENOBUFS, EUSERS}},
      {C::kPermanent, {EPERM, EACCES, EROFS, EINVAL, ERANGE, ENOTSUP, ENOSYS, ENODEV, ELOOP, ENAMETOOLONG}},
      {C::kUnknown, {EIO, EDEADLK, 0}},
  };
  for (const Row& row : rows)
    for (const int err : row.errors) {
      EXPECT_EQ(classify(err), row.expected) << err;
      EXPECT_EQ(classify(sys_error("x", err)), row.expected) << err;
      EXPECT_EQ(is_retryable(classify(err)), row.expected != C::kPermanent);
    }
  EXPECT_EQ(classify(make_error(Errc::kTooManyRequests, "")), C::kRateLimit);
  EXPECT_EQ(classify(make_error(Errc::kInternal, "Permission denied")), C::kUnknown);
  EXPECT_TRUE(is_gone(sys_error("x", ESRCH)));
  EXPECT_TRUE(is_gone(sys_error("x", ENOENT)));
  EXPECT_FALSE(is_gone(sys_error("x", ENODEV)));
  EXPECT_FALSE(is_gone(sys_error("x", EPERM)));
}

// contract: G18
TEST(CleanJobId, NeverLeavesItsDirectory) {
  struct Row {
    const char* text;
    const char* expected;
  };
  const Row rows[] = {{"../x", "___x"},    {"..", "__"},      {".hidden", "_hidden"},
                      {"a/b\\c", "a_b_c"}, {"a b\n", "a_b_"}, {"job-1.2_3", "job-1.2_3"},
                      {"a..b", "a..b"},    {"", ""},          {"\xc3\xa4", "__"}};
  for (const Row& row : rows) EXPECT_EQ(clean_job_id(row.text), row.expected);
  EXPECT_EQ(clean_job_id(std::string(500, 'a')).size(), kMaxJobIdBytes);
  EXPECT_EQ(make_auto_job_id("ffmpeg", 12), "auto-ffmpeg-12");
  EXPECT_EQ(make_auto_job_id("a b/c", 12), "auto-a_b_c-12");
  const std::string longest = make_auto_job_id(std::string(300, 'f'), 4194304);
  EXPECT_EQ(longest.size(), kMaxJobIdBytes);
  EXPECT_TRUE(longest.ends_with("f-4194304"));
}

}  // namespace
}  // namespace ffrtmp::govern
