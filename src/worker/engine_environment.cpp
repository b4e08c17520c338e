#include "worker/engine_environment.h"

#include <cstdlib>

#include "base/text.h"

namespace ffrtmp::worker {
namespace {

constexpr std::string_view kVariable = "GLIBC_TUNABLES=";
// Huge pages go to what malloc takes from the kernel at a time, which must be more than one of them (2 MiB). A picture
// is less, and would be mapped on its own, unless the threshold is above it: 32 MiB is the most that glibc takes. What
// was freed is kept as long as glibc would by itself after a block of that size (twice the threshold).
constexpr std::string_view kHugePages =
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=67108864:"
    "glibc.malloc.top_pad=8388608";

std::string tunables(const model::ResourceLimits& limits) {
  if (const char* own = std::getenv("GLIBC_TUNABLES")) return own;
  return limits.max_memory_mb ? std::string() : std::string(kHugePages);
}

}  // namespace

std::vector<std::string> engine_environment(const Settings& settings, const model::ResourceLimits& limits) {
  const char* path = std::getenv("PATH");
  std::vector<std::string> out{cat("PATH=", path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path), "LC_ALL=C",
                               "HOME=/nonexistent", cat("GST_REGISTRY=", plugin_registry_of(settings))};
  if (const std::string heap = tunables(limits); !heap.empty()) out.push_back(cat(kVariable, heap));
  return out;
}

}  // namespace ffrtmp::worker
