#include "worker/node_identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::worker {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(NodeIdentity, BeginsUnknownAndIsKept) {
  const test::TempDir dir;
  const Uuid id = test::SeededIds().next(UtcTime{});
  {
    auto identity = NodeIdentity::open(dir.path());
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_FALSE(identity->node_id());
    EXPECT_TRUE(identity->token().empty());
    ASSERT_TRUE(identity->save(id, "ffn_secret"));
  }
  auto again = NodeIdentity::open(dir.path());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->node_id(), id);
  EXPECT_EQ(again->token(), "ffn_secret");
  again->forget_token();
  EXPECT_TRUE(again->token().empty());
  EXPECT_EQ(again->node_id(), id) << "a refused token is not another node";
}

// The master must not hear of an id that a restart would not find.
TEST(NodeIdentity, AnIdThatCouldNotBeWrittenDownIsNoId) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "node.json.tmp");  // where the file is written first
  const Uuid id = test::SeededIds().next(UtcTime{});
  auto identity = NodeIdentity::open(dir.path());
  ASSERT_TRUE(identity);
  EXPECT_FALSE(identity->save(id, ""));
  EXPECT_FALSE(identity->node_id());
  std::filesystem::remove(dir / "node.json.tmp");
  ASSERT_TRUE(identity->save(id, ""));
  EXPECT_EQ(identity->node_id(), id);
  std::filesystem::create_directories(dir / "node.json.tmp");
  EXPECT_FALSE(identity->save(id, "ffn_secret"));
  EXPECT_EQ(identity->token(), "ffn_secret") << "good for this process, and the former one is not any more";
}

// contract: F46
TEST(NodeIdentity, TheTokenIsForItsOwnerAlone) {
  const test::TempDir dir;
  const mode_t before = umask(0);
  auto identity = NodeIdentity::open(dir.path());
  ASSERT_TRUE(identity);
  ASSERT_TRUE(identity->save(test::SeededIds().next(UtcTime{}), "ffn_secret"));
  umask(before);
  EXPECT_EQ(mode_of(dir / "node.json"), 0600U);
  EXPECT_EQ(mode_of(dir / "node.lock"), 0600U);
}

TEST(NodeIdentity, AFileThatOthersMayReadIsClosedToThem) {
  const test::TempDir dir;
  {
    auto identity = NodeIdentity::open(dir.path());
    ASSERT_TRUE(identity->save(test::SeededIds().next(UtcTime{}), "ffn_secret"));
  }
  ASSERT_EQ(chmod((dir / "node.json").c_str(), 0644), 0);
  auto identity = NodeIdentity::open(dir.path());
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->token(), "ffn_secret");
  EXPECT_EQ(mode_of(dir / "node.json"), 0600U);
}

// A half-written one of an earlier process does not lend its mode to the secret.
TEST(NodeIdentity, AForeignTemporaryFileLendsNoMode) {
  const test::TempDir dir;
  test::write_file(dir / "node.json.tmp", "x");
  ASSERT_EQ(chmod((dir / "node.json.tmp").c_str(), 0666), 0);
  auto identity = NodeIdentity::open(dir.path());
  ASSERT_TRUE(identity->save(test::SeededIds().next(UtcTime{}), "ffn_secret"));
  EXPECT_EQ(mode_of(dir / "node.json"), 0600U);
}

// contract: F31
TEST(NodeIdentity, OneWorkerAtATime) {
  const test::TempDir dir;
  std::optional<Result<NodeIdentity>> first(NodeIdentity::open(dir.path()));
  ASSERT_TRUE(*first);
  const auto second = NodeIdentity::open(dir.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kUnavailable);
  EXPECT_NE(second.error().message.find(dir.path()), std::string::npos) << second.error().message;
  first.reset();
  EXPECT_TRUE(NodeIdentity::open(dir.path()));
}

TEST(NodeIdentity, ABrokenFileIsNamedAndKept) {
  const test::TempDir dir;
  for (const char* text : {"", "{", "[]", R"({"node_id":"node-1","token":"t"})", R"({"token":7})"}) {
    test::write_file(dir / "node.json", text);
    const auto identity = NodeIdentity::open(dir.path());
    ASSERT_FALSE(identity) << text;
    EXPECT_NE(identity.error().message.find(dir / "node.json"), std::string::npos) << identity.error().message;
    EXPECT_EQ(test::read_file(dir / "node.json"), text) << "never a new identity in silence";
  }
}

TEST(NodeIdentity, NoDirectoryNoIdentity) {
  const test::TempDir dir;
  EXPECT_FALSE(NodeIdentity::open(dir / "none"));
}

}  // namespace
}  // namespace ffrtmp::worker
