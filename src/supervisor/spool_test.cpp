#include "supervisor/spool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/text.h"
#include "supervisor/link.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::supervisor {
namespace {

// A stream that names its own offsets: the byte at offset o.
char byte_at(std::int64_t o) { return static_cast<char>('a' + (o * 7 + o / 26) % 26); }
std::string stream(std::int64_t from, std::int64_t to) {
  std::string text;
  for (std::int64_t o = from; o < to; ++o) text += byte_at(o);
  return text;
}

TEST(Spool, KeepsAllOfAShortLog) {
  const test::TempDir dir;
  auto spool = Spool::open(dir / "log", 10, 20);
  ASSERT_TRUE(spool) << spool.error().message;
  EXPECT_EQ(read_log(dir.path(), 0, 100)->data, "");
  ASSERT_TRUE(spool->append(stream(0, 7)));
  ASSERT_TRUE(spool->append(stream(7, 25)));
  const auto all = read_log(dir.path(), 0, 100);
  EXPECT_EQ(all->data, stream(0, 25));
  EXPECT_EQ(all->next_offset, 25);
  EXPECT_EQ(read_log(dir.path(), 8, 5)->data, stream(8, 13));  // across head and ring
  EXPECT_EQ(spool->state().dropped_from, spool->state().dropped_to);
}

TEST(Spool, DropsTheMiddleAndKeepsOffsets) {
  const test::TempDir dir;
  auto spool = Spool::open(dir / "log", 10, 20);
  ASSERT_TRUE(spool);
  for (std::int64_t at = 0; at < 100; at += 5) ASSERT_TRUE(spool->append(stream(at, at + 5)));
  const auto state = read_spool_state(dir / "log");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->end, 100);
  EXPECT_EQ(state->dropped_from, 10);
  EXPECT_EQ(state->dropped_to, 80);

  const auto head = read_log(dir.path(), 4, 1000);
  EXPECT_EQ(head->data, stream(4, 10));
  EXPECT_EQ(head->next_offset, 10);
  const auto gap = read_log(dir.path(), 10, 1000);
  EXPECT_EQ(gap->data, "[ffrtmp: 70 bytes dropped]\n");
  EXPECT_EQ(gap->dropped_bytes, 70);
  EXPECT_EQ(gap->next_offset, 80);
  const auto late = read_log(dir.path(), 50, 1000);
  EXPECT_EQ(late->offset, 50);
  EXPECT_EQ(late->data, "[ffrtmp: 30 bytes dropped]\n");
  EXPECT_EQ(late->next_offset, 80);
  EXPECT_EQ(read_log(dir.path(), 80, 1000)->data, stream(80, 100));
  EXPECT_EQ(read_log(dir.path(), 93, 4)->data, stream(93, 97));
  const auto end = read_log(dir.path(), 500, 10);
  EXPECT_EQ(end->offset, 100);
  EXPECT_EQ(end->next_offset, 100);
}

TEST(Spool, TakesChunksLargerThanItself) {
  const test::TempDir dir;
  auto spool = Spool::open(dir / "log", 3, 8);
  ASSERT_TRUE(spool);
  ASSERT_TRUE(spool->append(stream(0, 50)));
  EXPECT_EQ(read_log(dir.path(), 0, 100)->data, stream(0, 3));
  EXPECT_EQ(read_log(dir.path(), 42, 100)->data, stream(42, 50));
}

TEST(Spool, NoReaderSeesOverwrittenBytes) {
  const test::TempDir dir;
  auto spool = Spool::open(dir / "log", 100, 5000);
  ASSERT_TRUE(spool);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::int64_t at = 0; at < 3'000'000; at += 1000)
      if (!spool->append(stream(at, at + 1000))) break;
    done = true;
  });
  std::int64_t checked = 0;
  std::int64_t offset = 0;
  do {  // once at least: the writer may be done before this thread has its first turn
    const auto chunk = read_log(dir.path(), offset, 700);
    ASSERT_TRUE(chunk) << chunk.error().message;
    if (chunk->dropped_bytes == 0) {
      ASSERT_EQ(chunk->data, stream(chunk->offset, chunk->next_offset)) << "at " << offset;
      checked += static_cast<std::int64_t>(chunk->data.size());
    }
    offset = chunk->next_offset;
  } while (!done);
  writer.join();
  EXPECT_GT(checked, 0);
}

TEST(Spool, SaysWhatIsNone) {
  const test::TempDir dir;
  EXPECT_EQ(read_log(dir.path(), 0, 10).error().code, Errc::kGone);
  test::write_file(dir / "log", std::string(5000, 'x'));
  EXPECT_EQ(read_log(dir.path(), 0, 10).error().code, Errc::kCorrupt);
}

TEST(Spool, ASecondEngineGoesOnBehindTheFirst) {
  test::TempDir dir;
  {
    auto first = Spool::open(dir / "log", 10, 20);
    ASSERT_TRUE(first);
    ASSERT_TRUE(first->append("0123456789abc"));
  }
  auto second = Spool::open(dir / "log", 1, 1);
  ASSERT_TRUE(second);
  ASSERT_TRUE(second->append("de"));
  const auto log = read_log(dir.path(), 0, 100);
  ASSERT_TRUE(log);
  EXPECT_EQ(log->data, "0123456789abcde");
  test::write_file(dir / "log", "no spool");
  auto third = Spool::open(dir / "log", 10, 20);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->state().end, 0);
}

}  // namespace
}  // namespace ffrtmp::supervisor
