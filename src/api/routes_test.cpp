#include "api/routes.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/support/manual_clock.h"

namespace ffrtmp::api {
namespace {

TEST(Routes, EveryRouteIsFoundByItsOwnPath) {
  for (const Route& route : kRoutes) {
    const auto match = match_route(route.method, path_of(route.id, "7"));
    ASSERT_TRUE(match) << route.path;
    EXPECT_EQ(match->route->id, route.id) << route.path;
  }
}

TEST(Routes, IdsAreTakenOutOfThePath) {
  const auto match = match_route("POST", "/api/v1/jobs/42/cancel");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->route->id, RouteId::kCancelJob);
  EXPECT_EQ(match->ids, std::vector<std::string>{"42"});
  EXPECT_EQ(match_route("GET", "/api/v1/jobs/a%2fb")->ids, std::vector<std::string>{"a/b"});
}

// contract: F2
TEST(Routes, WrongPathsAre404AndWrongVerbs405) {
  for (const char* path :
       {"/", "/api/v1", "/api/v1/jobs/", "/api/v1/job", "/api/v1/jobs/1/2/3", "/api/v1/jobs//cancel", "/healthz/x"})
    EXPECT_EQ(match_route("GET", path).error().code, Errc::kNotFound) << path;
  EXPECT_EQ(match_route("DELETE", "/api/v1/jobs/1").error().code, Errc::kMethodNotAllowed);
  EXPECT_EQ(match_route("POST", "/healthz").error().code, Errc::kMethodNotAllowed);
  EXPECT_EQ(match_route("GET", "/api/v1/nodes/register").error().code, Errc::kMethodNotAllowed)
      << "is no node of that name";
}

// contract: F1
TEST(JobRef, DigitsAreANumberAndAUuidIsAUuid) {
  test::SeededIds ids;
  for (int i = 0; i < 200; ++i) {
    const Uuid id = ids.next(test::ManualClock().now().utc);
    EXPECT_EQ(*parse_job_ref(id.str()), store::JobRef(id));
    EXPECT_EQ(*parse_job_ref(cat(i + 1)), store::JobRef(std::int64_t{i + 1}));
  }
  // A UUID whose first block is all digits.
  const Uuid digits = *parse_uuid("12345678-1234-7234-8234-123456781234");
  EXPECT_EQ(*parse_job_ref(digits.str()), store::JobRef(digits));
  for (const char* text : {"12ab", "", "-1", "+1", "1.0", " 1", "12345678-1234-7234-8234", "0x10", "job"})
    EXPECT_EQ(parse_job_ref(text).error().code, Errc::kInvalid) << text;
  EXPECT_EQ(parse_job_ref("99999999999999999999").error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace ffrtmp::api
