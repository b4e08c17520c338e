#include "worker/publish_hls.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "tests/support/temp_dir.h"
#include "worker/hls_set.h"

namespace ffrtmp::worker {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

const Uuid kFirst = *parse_uuid("01890000-0000-7000-8000-000000000001");
const Uuid kSecond = *parse_uuid("01890000-0000-7000-8000-000000000002");
const Uuid kThird = *parse_uuid("01890000-0000-7000-8000-000000000003");

Names names_in(const std::string& dir) {
  Names out;
  for (const auto& entry : fs::directory_iterator(dir)) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::string playlist_of(const std::string& prefix, int segments) {
  std::string out = "#EXTM3U\n";
  for (int i = 0; i < segments; ++i) out += cat("#EXTINF:3.0,\n", prefix, "0000", i, ".ts\n");
  return out + "#EXT-X-ENDLIST\n";
}

class PublishHls : public testing::Test {
 protected:
  void SetUp() override { fs::create_directory(out_); }

  // A staged set of an attempt, and its move.
  Move stage(const Uuid& attempt, int segments, const std::string& content, bool may_replace = false) {
    Move move{out_, cat("film.", attempt.str(), ".part.m3u8"), "film.m3u8", may_replace,
              {},   segment_prefix("film.m3u8", attempt)};
    EXPECT_TRUE(make_staged_dir(move));
    const std::string dir = cat(out_, "/", move.staged, "/");
    for (int i = 0; i < segments; ++i)
      test::write_file(cat(dir, move.segment_prefix, "0000", i, ".ts"), cat(content, i));
    test::write_file(dir + "film.m3u8", playlist_of(move.segment_prefix, segments));
    const auto mark = sync_staged(move);
    EXPECT_TRUE(mark) << mark.error().message;
    if (mark) move.mark = *mark;
    return move;
  }
  // One that stands at the path for good.
  Move put(const Uuid& attempt, int segments, const std::string& content, bool may_replace = false) {
    const Move m = stage(attempt, segments, content, may_replace);
    EXPECT_TRUE(publish(m));
    settle(m);
    return m;
  }
  static std::string segment(const Move& move, int number) { return cat(move.segment_prefix, "0000", number, ".ts"); }
  std::string read(const std::string& name) const { return test::read_file(cat(out_, "/", name)); }

  test::TempDir dir_;
  const std::string out_ = dir_ / "out";
};

TEST_F(PublishHls, AFreePathTakesTheWholeSet) {
  const Move m = stage(kFirst, 2, "a");
  EXPECT_FALSE(is_published(m));
  ASSERT_TRUE(publish(m));
  EXPECT_TRUE(is_published(m));
  settle(m);
  EXPECT_EQ(names_in(out_), (Names{segment(m, 0), segment(m, 1), "film.m3u8"}));
  EXPECT_EQ(read("film.m3u8"), playlist_of(m.segment_prefix, 2));
  EXPECT_EQ(read(segment(m, 1)), "a1");
}

TEST_F(PublishHls, WithoutOverwriteNothingOfTheSetAppears) {
  test::write_file(out_ + "/film.m3u8", "a user's");
  test::write_file(out_ + "/film.0.ts", "a user's, too");
  const Move m = stage(kFirst, 2, "a");
  const Status moved = publish(m);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::kForbidden);
  take_back(m);
  EXPECT_EQ(names_in(out_), (Names{"film.0.ts", "film.m3u8"}));
  EXPECT_EQ(read("film.m3u8"), "a user's");
}

TEST_F(PublishHls, AReplacedPlaylistGoesWithItsOwnSegmentsAndNothingElse) {
  const Move first = put(kFirst, 3, "a");
  // Beside it: a user's segment that a playlist may name, and one of another output.
  const std::string other = cat("other.", kFirst.str(), ".00000.ts");
  test::write_file(out_ + "/mine.ts", "a user's");
  test::write_file(cat(out_, "/", other), "another output's");
  test::write_file(out_ + "/film.m3u8",
                   playlist_of(first.segment_prefix, 3) + "#EXTINF:1,\nmine.ts\n#EXTINF:1,\n" + other + "\n");
  const Move second = stage(kSecond, 1, "b", true);
  ASSERT_TRUE(publish(second));
  EXPECT_TRUE(fs::exists(cat(out_, "/", segment(first, 2)))) << "until the result is accepted it may come back";
  settle(second);
  EXPECT_EQ(names_in(out_), (Names{segment(second, 0), "film.m3u8", "mine.ts", other}));
  EXPECT_EQ(read("film.m3u8"), playlist_of(second.segment_prefix, 1));
}

TEST_F(PublishHls, AReplacedPipeHoldsNobody) {
  ASSERT_EQ(mkfifo((out_ + "/film.m3u8").c_str(), 0600), 0);
  const Move m = put(kFirst, 1, "a", true);
  EXPECT_EQ(names_in(out_), (Names{segment(m, 0), "film.m3u8"}));
}

// contract: F22
TEST_F(PublishHls, AStaleSetGoesAndTheReplacedOneIsWhole) {
  const Move first = put(kFirst, 2, "a");
  const Move second = stage(kSecond, 4, "b", true);
  ASSERT_TRUE(publish(second));
  take_back(second);
  EXPECT_EQ(names_in(out_), (Names{segment(first, 0), segment(first, 1), "film.m3u8"}));
  EXPECT_EQ(read("film.m3u8"), playlist_of(first.segment_prefix, 2));
}

// The stale attempt wakes up after the current one has published.
// contract: F22
TEST_F(PublishHls, ALateOneLeavesTheCurrentSetAlone) {
  const Move late = stage(kFirst, 2, "a", true);
  const Move current = stage(kSecond, 2, "b", true);
  ASSERT_TRUE(publish(late));
  ASSERT_TRUE(publish(current));
  take_back(late);
  settle(current);
  EXPECT_EQ(names_in(out_), (Names{segment(current, 0), segment(current, 1), "film.m3u8"}));
  EXPECT_EQ(read("film.m3u8"), playlist_of(current.segment_prefix, 2));

  const Move later = stage(kFirst, 2, "c", true);
  ASSERT_TRUE(publish(later));
  take_back(later);
  EXPECT_EQ(names_in(out_), (Names{segment(current, 0), segment(current, 1), "film.m3u8"}));
  EXPECT_EQ(read("film.m3u8"), playlist_of(current.segment_prefix, 2));
}

// contract: F22
TEST_F(PublishHls, StaleSetsInAnyOrderGiveTheReplacedOneBack) {
  for (const bool earlier_first : {true, false}) {
    const Move old = put(kThird, 2, "a");
    const Move first = stage(kFirst, 3, "b", true);
    ASSERT_TRUE(publish(first));
    const Move second = stage(kSecond, 4, "c", true);
    ASSERT_TRUE(publish(second));
    take_back(earlier_first ? first : second);
    take_back(earlier_first ? second : first);
    EXPECT_EQ(names_in(out_), (Names{segment(old, 0), segment(old, 1), "film.m3u8"})) << earlier_first;
    EXPECT_EQ(read("film.m3u8"), playlist_of(old.segment_prefix, 2)) << earlier_first;
    take_back(old);
    ASSERT_EQ(names_in(out_), Names{});
  }
}

TEST_F(PublishHls, AStaleSetThatWasReplacedForGoodLeavesNothingOfTheOldOne) {
  const Move old = put(kThird, 2, "a");
  const Move stale = stage(kFirst, 3, "b", true);
  ASSERT_TRUE(publish(stale));
  const Move current = put(kSecond, 1, "c", true);
  take_back(stale);
  EXPECT_EQ(names_in(out_), (Names{segment(current, 0), "film.m3u8"}));
  EXPECT_EQ(read("film.m3u8"), playlist_of(current.segment_prefix, 1));
}

TEST_F(PublishHls, SegmentsThatThePresentPlaylistNamesStay) {
  const Move old = put(kThird, 1, "a");
  const Move stale = stage(kFirst, 1, "b", true);
  ASSERT_TRUE(publish(stale));
  test::write_file(out_ + "/mine.m3u8", playlist_of(old.segment_prefix, 1));
  fs::rename(out_ + "/mine.m3u8", out_ + "/film.m3u8");  // a user's own repair
  take_back(stale);
  EXPECT_EQ(names_in(out_), (Names{segment(old, 0), "film.m3u8"}));
}

// A worker that dies between two renames goes on, or leaves nothing.
TEST_F(PublishHls, HalfAMoveIsFinishedOrTakenBack) {
  for (const bool goes_on : {true, false}) {
    const Move m = stage(kFirst, 3, "a");
    fs::rename(cat(out_, "/", m.staged, "/", segment(m, 0)), cat(out_, "/", segment(m, 0)));
    const auto digest = digest_of_hls({cat(out_, "/", m.staged), out_}, "film.m3u8", m.segment_prefix);
    ASSERT_TRUE(digest) << digest.error().message;
    if (!goes_on) {
      take_back(m);
      EXPECT_EQ(names_in(out_), Names{});
      continue;
    }
    ASSERT_EQ(sync_staged(m).value_or(FileMark{}), m.mark);
    ASSERT_TRUE(publish(m));
    settle(m);
    EXPECT_EQ(names_in(out_).size(), 4U);
    const auto published = digest_of_hls({out_}, "film.m3u8", m.segment_prefix);
    ASSERT_TRUE(published);
    EXPECT_EQ(published->sha256, digest->sha256);
    take_back(m);
    EXPECT_EQ(names_in(out_), Names{});
  }
}

TEST_F(PublishHls, WhatIsNotTheCheckedSetStaysWhereItIs) {
  const Move m = stage(kFirst, 1, "a");
  fs::remove(cat(out_, "/", m.staged, "/film.m3u8"));
  test::write_file(cat(out_, "/", m.staged, "/film.m3u8"), playlist_of(m.segment_prefix, 1));
  Move replaced = m;
  replaced.mark.inode = m.mark.inode + 1'000'000;
  EXPECT_EQ(publish(replaced).error().code, Errc::kGone);
  Move foreign = stage(kSecond, 1, "a");
  test::write_file(cat(out_, "/", foreign.staged, "/film.m3u8"), playlist_of("../../etc/", 1));
  EXPECT_EQ(publish(foreign).error().code, Errc::kGone) << "written after it was checked";
  foreign.mark = {};
  foreign.mark = sync_staged(foreign).value_or(FileMark{});
  EXPECT_EQ(publish(foreign).error().code, Errc::kCorrupt);
  take_back(m);
  take_back(foreign);
  EXPECT_EQ(names_in(out_), Names{});
}

TEST_F(PublishHls, AStagedDirIsEmptyAtEveryStart) {
  const Move m = stage(kFirst, 3, "a");
  ASSERT_TRUE(make_staged_dir(m));
  EXPECT_EQ(names_in(cat(out_, "/", m.staged)), Names{});
}

TEST(SegmentNames, AreKnownByPlaylistAndAttempt) {
  const std::string prefix = segment_prefix("my #1 100% film.m3u8", kFirst);
  EXPECT_EQ(prefix, cat("my__1_100__film.", kFirst.str(), "."));
  EXPECT_EQ(prefix_of_segment(prefix + "00012.ts", "my #1 100% film.m3u8"), prefix);
  for (const std::string& name :
       {prefix + ".ts", prefix + "1.mp4", prefix + "x1.ts", prefix + "1.ts.ts", std::string("00001.ts"),
        std::string("film.x.00001.ts"), cat("a.", kFirst.str(), "00001.ts")})
    EXPECT_EQ(prefix_of_segment(name, "my #1 100% film.m3u8"), std::nullopt) << name;
  EXPECT_EQ(prefix_of_segment(prefix + "1.ts", "film.m3u8"), std::nullopt) << "of another playlist";
}

TEST_F(PublishHls, AGrantedSetIsCopiedUnderAnotherName) {
  const Move first = put(kFirst, 2, "a");
  const auto granted = digest_of_hls({out_}, "film.m3u8", first.segment_prefix);
  ASSERT_TRUE(granted);
  Move second = stage(kSecond, 0, "b", true);
  ASSERT_TRUE(make_staged_dir(second));
  const std::string staged = cat(out_, "/", second.staged);
  const auto copied = copy_equal_hls(out_, "film.m3u8", *granted, staged, second.segment_prefix);
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_TRUE(*copied);
  EXPECT_EQ(names_in(staged), (Names{segment(second, 0), segment(second, 1), "film.m3u8"}));
  EXPECT_EQ(test::read_file(cat(staged, "/", segment(second, 1))), "a1");
  EXPECT_EQ(test::read_file(staged + "/film.m3u8"), playlist_of(second.segment_prefix, 2));

  test::write_file(cat(out_, "/", segment(first, 1)), "b1");
  ASSERT_TRUE(make_staged_dir(second));
  EXPECT_EQ(copy_equal_hls(out_, "film.m3u8", *granted, staged, second.segment_prefix).value_or(true), false);
}

}  // namespace
}  // namespace ffrtmp::worker
