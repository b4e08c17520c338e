#include "govern/policy.h"

#include <gtest/gtest.h>

namespace ffrtmp::govern {
namespace {

std::optional<std::string> match(const CommandNames& names, MatchMode mode) {
  Policy policy;
  policy.target_commands = {"ffmpeg", "ffplay"};
  policy.defaults.match = mode;
  return match_target(names, policy);
}

TEST(MatchTarget, TheExecutableIsNamedFirst) {
  const CommandNames both{"ffmpeg", "ffplay"};
  EXPECT_EQ(match(both, MatchMode::kAny), "ffmpeg");
  EXPECT_EQ(match(both, MatchMode::kExe), "ffmpeg");
  EXPECT_EQ(match(both, MatchMode::kArgv0), "ffplay");
}

// contract: G24
TEST(MatchTarget, WhichNameCounts) {
  const CommandNames faked{"sleep", "ffmpeg"};
  EXPECT_EQ(match(faked, MatchMode::kExe), std::nullopt);
  EXPECT_EQ(match(faked, MatchMode::kArgv0), "ffmpeg");
  EXPECT_EQ(match(faked, MatchMode::kAny), "ffmpeg");
  const CommandNames unreadable{std::nullopt, "ffmpeg"};
  EXPECT_EQ(match(unreadable, MatchMode::kExe), std::nullopt);
  EXPECT_EQ(match(unreadable, MatchMode::kAny), "ffmpeg");
  EXPECT_EQ(match({}, MatchMode::kAny), std::nullopt);
}

TEST(MatchTarget, EachTargetByItsOwnRule) {
  Policy policy;
  policy.target_commands = {"ffmpeg", "ffplay"};
  policy.commands["ffplay"].match = MatchMode::kExe;
  EXPECT_EQ(match_target({"sleep", "ffplay"}, policy), std::nullopt);
  EXPECT_EQ(match_target({"sleep", "ffmpeg"}, policy), "ffmpeg");
  EXPECT_EQ(match_target({"ffplay", "x"}, policy), "ffplay");
}

}  // namespace
}  // namespace ffrtmp::govern
