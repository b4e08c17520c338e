#include "watch/kept_governed.h"

#include <gtest/gtest.h>

namespace ffrtmp::watch {
namespace {

const sys::ProcessKey kProcess{41, 977};

govern::Original member(const sys::ProcessKey& process) {
  govern::Original original;
  original.pid = process.pid;
  original.start_ticks = static_cast<std::int64_t>(process.start_ticks);
  return original;
}

govern::Governed unlimited() {
  govern::Governed governed;
  governed.job_id = "auto-ffmpeg-41";
  return governed;
}

void expect_same(const govern::Governed& a, const govern::Governed& b) {
  EXPECT_EQ(a.job_id, b.job_id);
  EXPECT_EQ(a.limits, b.limits);
  EXPECT_EQ(a.inherited_pids_max, b.inherited_pids_max);
  EXPECT_EQ(a.late_memory, b.late_memory);
  EXPECT_EQ(a.groups, b.groups);
  EXPECT_EQ(a.members, b.members);
  EXPECT_EQ(a.shortfalls, b.shortfalls);
}

TEST(KeptGoverned, WhatIsKeptIsReadAgain) {
  std::vector<govern::Governed> rows{unlimited()};
  rows.push_back(unlimited());
  rows.back().members = {member(kProcess)};
  rows.push_back(rows.back());
  rows.back().limits.nice = 5;
  rows.back().late_memory = govern::LateMemory::kHigh;
  for (int i = 0; i < 6; ++i) rows.push_back(rows[2]);
  rows[3].members.front().nice["41"] = 0;
  rows[4].members.push_back(member({42, 978}));
  rows[5].members = {member({42, 978})};
  rows[6].groups = {{"cpu", "/ffrtmp/auto-ffmpeg-41", {"cpu"}, "/"}};
  rows[7].inherited_pids_max = 9;
  rows[8].shortfalls = {govern::LimitName::kNice};
  LimitsPool pool;
  KeptGoverned kept;
  for (const govern::Governed& row : rows) {
    kept.keep(row, kProcess, pool);
    expect_same(kept.read(kProcess), row);
    EXPECT_EQ(kept.job_id(), row.job_id);
    EXPECT_EQ(kept.limits(), row.limits);
    EXPECT_EQ(kept.late_memory(), row.late_memory);
    EXPECT_EQ(kept.groups(), row.groups);
  }
  kept.keep(rows.front(), kProcess, pool);
  expect_same(kept.read(kProcess), rows.front());
}

TEST(KeptGoverned, EqualLimitsAreKeptOnce) {
  LimitsPool pool;
  govern::Limits slow;
  slow.cpu_quota_percent = 50;
  govern::Limits slower = slow;
  slower.cpu_quota_percent = 25;
  const auto first = pool.share(slow);
  EXPECT_EQ(pool.share(slow), first);
  const auto other = pool.share(slower);
  EXPECT_NE(other, first);
  EXPECT_EQ(*other, slower);
  EXPECT_EQ(pool.share({}), nullptr);
}

}  // namespace
}  // namespace ffrtmp::watch
