#include "master/log_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <utime.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::master {
namespace {

namespace fs = std::filesystem;

constexpr LogLimits kSmall{16, 32};

// Byte i of the stream of these tests.
std::string stream(std::int64_t from, std::int64_t to) {
  std::string text;
  for (std::int64_t at = from; at < to; ++at) text += static_cast<char>('!' + at % 90);
  return text;
}

class Logs : public testing::Test {
 protected:
  // Appends the stream's bytes [from, to); the next offset, or -1.
  std::int64_t put(std::int64_t from, std::int64_t to, bool after_drop = false) {
    auto next = logs_.append(id_, from, stream(from, to), after_drop);
    return next ? *next : -1;
  }
  LogSlice get(std::int64_t offset, std::int64_t limit = 1 << 20) {
    auto slice = logs_.read(id_, offset, limit);
    EXPECT_TRUE(slice) << slice.error().message;
    return slice ? *slice : LogSlice{};
  }
  // The whole log, read in pages.
  std::string whole(std::int64_t page) {
    std::string text;
    for (std::int64_t at = 0, rounds = 0; rounds < 1000; ++rounds) {
      const LogSlice slice = get(at, page);
      text += slice.data;
      if (slice.next_offset == at) return text;
      at = slice.next_offset;
    }
    ADD_FAILURE() << "reading does not end";
    return text;
  }

  test::TempDir dir_;
  LogStore logs_{dir_.path(), kSmall};
  const Uuid id_ = test::SeededIds().next(UtcTime{});
  const std::string file_ = dir_ / (id_.str() + ".log");
};

TEST_F(Logs, ChunksJoin) {
  EXPECT_EQ(put(0, 5), 5);
  EXPECT_EQ(put(5, 20), 20);
  const LogSlice all = get(0);
  EXPECT_EQ(all.data, stream(0, 20));
  EXPECT_EQ(all.next_offset, 20);
  EXPECT_EQ(all.end, 20);
  EXPECT_EQ(all.dropped_bytes, 0);
  for (const std::int64_t page : {1, 3, 7, 64}) EXPECT_EQ(whole(page), stream(0, 20)) << page;
}

TEST_F(Logs, WhatIsKnownIsIgnored) {
  EXPECT_EQ(put(0, 10), 10);
  EXPECT_EQ(put(0, 10), 10);
  EXPECT_EQ(put(3, 7), 10);
  EXPECT_EQ(put(8, 14), 14);
  // Another text for a known offset does not replace what was read already.
  EXPECT_EQ(*logs_.append(id_, 0, std::string(14, '~'), false), 14);
  EXPECT_EQ(get(0).data, stream(0, 14));
}

TEST_F(Logs, AHoleIsRefusedAndChangesNothing) {
  EXPECT_EQ(put(0, 10), 10);
  const auto refused = logs_.append(id_, 11, "x", false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kLogGap);
  EXPECT_NE(refused.error().message.find("10"), std::string::npos) << "it says where to go on";
  EXPECT_EQ(get(0).data, stream(0, 10));
  EXPECT_EQ(put(10, 12), 12);
}

TEST_F(Logs, ALossIsMarkedInItsPlace) {
  EXPECT_EQ(put(0, 10), 10);
  EXPECT_EQ(put(25, 30, true), 30);
  EXPECT_EQ(get(0).data, stream(0, 10)) << "up to the loss";
  const LogSlice rest = get(10);
  EXPECT_EQ(rest.data, "[ffrtmp: 15 bytes dropped]\n" + stream(25, 30));
  EXPECT_EQ(rest.dropped_bytes, 15);
  EXPECT_EQ(rest.next_offset, 30);
  EXPECT_EQ(get(17).data, rest.data) << "an offset inside goes on after it";
  EXPECT_EQ(get(26).data, stream(26, 30)) << "offsets stay those of the stream";
}

TEST_F(Logs, HeadAndTailAreKept) {
  std::int64_t at = 0;
  for (const std::int64_t size : {1, 15, 16, 31, 33, 64, 7, 100}) {
    ASSERT_EQ(put(at, at + size), at + size);
    at += size;
  }
  const std::string marker = cat("[ffrtmp: ", at - 48, " bytes dropped]\n");
  for (const std::int64_t page : {1, 5, 32, 1000})
    EXPECT_EQ(whole(page), stream(0, 16) + marker + stream(at - 32, at)) << page;
  EXPECT_LE(fs::file_size(file_), 64U + 16U + 32U) << "bounded on disk";
}

TEST_F(Logs, OneChunkLargerThanAllThatIsKept) {
  EXPECT_EQ(put(0, 1000), 1000);
  EXPECT_EQ(whole(1000), stream(0, 16) + "[ffrtmp: 952 bytes dropped]\n" + stream(968, 1000));
  EXPECT_LE(fs::file_size(file_), 64U + 16U + 32U);
}

TEST_F(Logs, ReadsFromTheEnd) {
  EXPECT_EQ(put(0, 100), 100);
  EXPECT_EQ(get(-5).data, stream(95, 100));
  EXPECT_EQ(get(-5).offset, 95);
  EXPECT_EQ(get(-1000).data, stream(0, 16)) << "no further than the start";
  EXPECT_EQ(get(1000).data, "") << "beyond the end there is nothing yet";
  EXPECT_EQ(get(1000).next_offset, 100);
}

TEST_F(Logs, AnOffsetFarOutIsNotWrittenThere) {
  constexpr std::int64_t kFar = std::int64_t{1} << 60;
  EXPECT_EQ(put(0, 4), 4);
  EXPECT_EQ(*logs_.append(id_, kFar, "abc", true), kFar + 3);
  EXPECT_EQ(get(kFar).data, "abc");
  EXPECT_LE(fs::file_size(file_), 64U + 16U + 32U);
}

TEST_F(Logs, EmptyChunksAndAttemptsWithoutALog) {
  const LogSlice none = get(0);
  EXPECT_EQ(none.data, "");
  EXPECT_EQ(none.end, 0);
  EXPECT_EQ(get(-10).next_offset, 0);
  EXPECT_FALSE(fs::exists(file_)) << "a look makes no file";
  EXPECT_EQ(put(0, 0), 0);
  EXPECT_EQ(put(0, 3), 3);
  EXPECT_EQ(put(3, 3), 3);
  EXPECT_EQ(get(0).data, stream(0, 3));
}

TEST_F(Logs, OutliveTheirStore) {
  EXPECT_EQ(put(0, 100), 100);
  LogStore again(dir_.path(), kSmall);
  EXPECT_EQ(*again.append(id_, 100, stream(100, 110), false), 110);
  EXPECT_EQ(again.read(id_, -10, 100)->data, stream(100, 110));
}

TEST_F(Logs, KeepTheLimitsTheyBeganWith) {
  EXPECT_EQ(put(0, 100), 100);
  for (const LogLimits& limits : {LogLimits{64, 8}, LogLimits{0, 1 << 20}, LogLimits{1 << 20, 1 << 20}}) {
    LogStore other(dir_.path(), limits);
    EXPECT_EQ(other.read(id_, 0, 100)->data, stream(0, 16));
    EXPECT_EQ(other.read(id_, -10, 100)->data, stream(90, 100));
  }
}

TEST_F(Logs, NoHeadOrNoTailIsNoFault) {
  for (const LogLimits& limits : {LogLimits{0, 0}, LogLimits{0, 8}, LogLimits{8, 0}}) {
    std::filesystem::remove(file_);
    LogStore small(dir_.path(), limits);
    EXPECT_EQ(*small.append(id_, 0, stream(0, 100), false), 100);
    EXPECT_EQ(small.read(id_, 99, 10)->data, stream(99, 100));
  }
}

// A master that was killed between a log's first bytes and its header.
TEST_F(Logs, ALogWithoutItsHeaderBeginsAnew) {
  test::write_file(file_, std::string(64, '\0') + "torn");
  EXPECT_EQ(get(0).end, 0);
  EXPECT_EQ(put(0, 10), 10);
  EXPECT_EQ(get(0).data, stream(0, 10));
}

TEST_F(Logs, BinaryBytesPass) {
  std::string bytes;
  for (int i = 0; i < 16; ++i) bytes += static_cast<char>(i * 16);
  EXPECT_EQ(*logs_.append(id_, 0, bytes, false), 16);
  EXPECT_EQ(get(0).data, bytes);
}

TEST_F(Logs, ADamagedFileIsAnError) {
  EXPECT_EQ(put(0, 20), 20);
  fs::resize_file(file_, 70);
  const auto cut = logs_.read(id_, 0, 100);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Errc::kCorrupt);
  test::write_file(file_, std::string(200, 'x'));
  EXPECT_EQ(logs_.read(id_, 0, 100).error().code, Errc::kCorrupt);
  EXPECT_EQ(logs_.append(id_, 0, "x", false).error().code, Errc::kCorrupt);
  EXPECT_EQ(test::read_file(file_), std::string(200, 'x')) << "never written over";
  test::write_file(file_, "short");
  EXPECT_FALSE(logs_.read(id_, 0, 100));
}

TEST_F(Logs, ALinkIsNotFollowed) {
  test::write_file(dir_ / "precious", "");
  fs::create_symlink(dir_ / "precious", file_);
  EXPECT_FALSE(logs_.append(id_, 0, "x", false));
  EXPECT_EQ(test::read_file(dir_ / "precious"), "");
}

// contract: F46
TEST_F(Logs, AreForTheirOwnerAlone) {
  EXPECT_EQ(put(0, 1), 1);
  struct stat info {};
  ASSERT_EQ(stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(Logs, OldOnesGo) {
  EXPECT_EQ(put(0, 1), 1);
  test::write_file(dir_ / "old.log", "x");
  test::write_file(dir_ / "old.txt", "x");
  const utimbuf past{1'000'000'000, 1'000'000'000};
  ASSERT_EQ(utime((dir_ / "old.log").c_str(), &past), 0);
  ASSERT_EQ(utime((dir_ / "old.txt").c_str(), &past), 0);
  EXPECT_TRUE(logs_.remove_older_than(std::chrono::hours(24)));
  EXPECT_TRUE(fs::exists(file_));
  EXPECT_FALSE(fs::exists(dir_ / "old.log"));
  EXPECT_TRUE(fs::exists(dir_ / "old.txt"));
  EXPECT_FALSE(LogStore(dir_ / "none", kSmall).remove_older_than(std::chrono::hours(24)));
}

// Senders that repeat and overlap from two connections: each byte once, in order.
TEST_F(Logs, TwoSendersOfOneStream) {
  LogStore logs(dir_.path(), {1 << 16, 1 << 16});
  std::vector<std::thread> senders;
  for (int t = 0; t < 2; ++t)
    senders.emplace_back([&, t] {
      for (std::int64_t at = 0; at < 5000;) {
        auto next = logs.append(id_, at, stream(at, at + 3 + t), false);
        ASSERT_TRUE(next) << next.error().message;
        at = *next;
      }
    });
  for (auto& sender : senders) sender.join();
  const auto slice = logs.read(id_, 0, 5000);
  ASSERT_TRUE(slice);
  EXPECT_EQ(slice->data, stream(0, 5000));
}

}  // namespace
}  // namespace ffrtmp::master
