#include "api/codec.h"

#include <gtest/gtest.h>

namespace ffrtmp::api {
namespace {

// Section 1 of the contract: but for the 409s and a few others, the code is the name of the status.
TEST(Codec, AFaultOfTheServerHasOneNameWhateverItIsInside) {
  for (const Errc code : {Errc::kInternal, Errc::kCorrupt, Errc::kIo, Errc::kDenied, Errc::kGone}) {
    ASSERT_EQ(http_status(code), 500);
    const auto body = decode<ErrorReply>(encode_error(make_error(code, "it broke")));
    ASSERT_TRUE(body);
    EXPECT_EQ(body->error.code, "internal_server_error") << wire_name(code);
    EXPECT_EQ(body->error.message, "it broke");
  }
  EXPECT_EQ(decode<ErrorReply>(encode_error(make_error(Errc::kStaleAttempt, "")))->error.code, "stale_attempt");
  EXPECT_EQ(decode<ErrorReply>(encode_error(make_error(Errc::kStoreUnavailable, "")))->error.code, "store_unavailable");
}

}  // namespace
}  // namespace ffrtmp::api
