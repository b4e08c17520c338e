#include "worker/engine_environment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "media/run_tool.h"
#include "sys/file_io.h"

namespace ffrtmp::worker {
namespace {

constexpr const char* kName = "GLIBC_TUNABLES";

class EngineEnvironment : public testing::Test {
 protected:
  EngineEnvironment() {
    if (const char* value = std::getenv(kName)) before_ = value;
    unsetenv(kName);
  }
  ~EngineEnvironment() override {
    if (before_)
      setenv(kName, before_->c_str(), 1);
    else
      unsetenv(kName);
  }

  // What follows GLIBC_TUNABLES=; nothing where it is absent.
  static std::string tunables(const model::ResourceLimits& limits) {
    for (const std::string& entry : engine_environment({}, limits))
      if (entry.starts_with("GLIBC_TUNABLES=")) return entry.substr(15);
    return {};
  }

 private:
  std::optional<std::string> before_;
};

TEST_F(EngineEnvironment, HugePagesAreForJobsThatBoundNoMemory) {
  model::ResourceLimits bounded;
  bounded.max_memory_mb = 512;
  EXPECT_NE(tunables({}).find("glibc.malloc.hugetlb=1"), std::string::npos);
  EXPECT_EQ(tunables(bounded), "");
}

TEST_F(EngineEnvironment, TheWorkersOwnTunablesGoBefore) {
  setenv(kName, "glibc.malloc.arena_max=2", 1);
  EXPECT_EQ(tunables({}), "glibc.malloc.arena_max=2");
  setenv(kName, "", 1);
  EXPECT_EQ(tunables({}), "") << "an empty one turns it off";
}

// A name or value that glibc does not know is passed over without a word: what its heap became tells.
TEST_F(EngineEnvironment, GlibcTakesItsWord) {
  const auto mode = sys::read_text("/sys/kernel/mm/transparent_hugepage/enabled", 4096);
  if (!mode || mode->find("[madvise]") == std::string::npos) GTEST_SKIP() << "this kernel is not asked for huge pages";
  const auto heaps_with_huge_pages = [](const model::ResourceLimits& limits) {
    const auto run = media::make_run_tool({engine_environment({}, limits), {}, nullptr});
    const auto result = run({"grep", "-c", "^VmFlags:.* hg", "/proc/self/smaps"}, std::chrono::seconds(30));
    return result ? result->out : result.error().message;
  };
  model::ResourceLimits bounded;
  bounded.max_memory_mb = 512;
  EXPECT_EQ(heaps_with_huge_pages({}), "1\n");
  EXPECT_EQ(heaps_with_huge_pages(bounded), "0\n");
}

}  // namespace
}  // namespace ffrtmp::worker
