#include "sys/heap.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <vector>

#include "sys/file_io.h"
#include "sys/host.h"

namespace ffrtmp::sys {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

constexpr std::size_t kBlocks = 20'000;
constexpr std::size_t kBlockBytes = 1000;

std::int64_t pages_in_memory() {
  const auto text = read_text("/proc/self/statm");
  return text ? std::stoll(text->substr(text->find(' '))) : 0;
}

TEST(Heap, WhatIsFreeInTheMiddleGoesBack) {
  std::vector<std::unique_ptr<char[]>> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) blocks.push_back(std::make_unique<char[]>(kBlockBytes));
  const std::int64_t full = pages_in_memory();
  const auto last = std::make_unique<char[]>(kBlockBytes);  // nothing at the end is free
  blocks.clear();
  trim_heap();
  EXPECT_LT(pages_in_memory(), full - static_cast<std::int64_t>(kBlocks * kBlockBytes / 4096 / 2));
}

TEST(Heap, BigBlocksGoBackAtOnceHoweverManyWereFreed) {
  keep_heap_small();
  for (int i = 0; i < 3; ++i) {
    const auto before = mallinfo2().hblks;
    auto block = std::make_unique<char[]>(1 << 20);
    EXPECT_EQ(mallinfo2().hblks, before + 1) << "a mapping of its own";
    block.reset();
    EXPECT_EQ(mallinfo2().hblks, before);
  }
}

#endif

}  // namespace
}  // namespace ffrtmp::sys
