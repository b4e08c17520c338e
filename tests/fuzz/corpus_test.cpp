// Every input of the corpus, and small changes to each, through its target: a crash of former days does not come back.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::fuzz {
namespace {

constexpr int kChanges = 200;

std::string changed(std::string text, std::mt19937& random) {
  const auto any = [&](std::size_t below) { return below == 0 ? 0 : random() % below; };
  for (int i = 0; i < 3; ++i) {
    const std::size_t at = any(text.size() + 1);
    switch (random() % 4) {
      case 0:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      case 1:
        text.erase(at, any(8));
        break;
      case 2:
        text.resize(at);
        break;
      default:
        text.insert(at, text.substr(any(text.size()), any(32)));
        break;
    }
  }
  return text;
}

class Corpus : public testing::TestWithParam<Target> {};

TEST_P(Corpus, BreaksNoLaw) {
  int count = 0;
  std::mt19937 random(7);
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(FFRTMP_SOURCE_DIR) + "/tests/fuzz/corpus/" + GetParam().name)) {
    const std::string text = test::read_file(entry.path().string());
    SCOPED_TRACE(entry.path().string());
    GetParam().run(text);
    for (int i = 0; i < kChanges; ++i) GetParam().run(changed(text, random));
    ++count;
  }
  EXPECT_GE(count, 5);
}

INSTANTIATE_TEST_SUITE_P(All, Corpus, testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace ffrtmp::fuzz
