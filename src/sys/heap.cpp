#include "sys/heap.h"

#include <malloc.h>

namespace ffrtmp::sys {
namespace {

constexpr int kBlockBytes = 64 * 1024;  // from here on a block is a mapping of its own

}  // namespace

void keep_heap_small() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, kBlockBytes);
  mallopt(M_TRIM_THRESHOLD, kBlockBytes);
}

void trim_heap() { malloc_trim(0); }

}  // namespace ffrtmp::sys
