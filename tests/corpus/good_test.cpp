// Good files of real shapes: none is refused, and what a result does not hold as it was is named.
#include <gmock/gmock.h>

#include <map>
#include <regex>

#include "base/text.h"
#include "tests/corpus/shapes.h"
#include "tests/support/clips.h"

namespace ffrtmp::test {
namespace {

// All, or one of each shape.
std::map<std::string, GoodFile> drawn_files() {
  std::map<std::string, std::vector<GoodFile>> by_shape;
  for (GoodFile& file : good_files()) by_shape[file.shape].push_back(std::move(file));
  std::map<std::string, GoodFile> drawn;
  for (const auto& [shape, files] : by_shape) {
    const std::size_t one = Draw(shape).below(files.size());
    for (std::size_t i = 0; i < files.size(); ++i)
      if (takes_all() || i == one)
        drawn.emplace(cat(shape, "_", i, "_", files[i].extension, "_to_", files[i].output), files[i]);
  }
  return drawn;
}

// A file that is piped through `cat` has no length in its header.
void make_file(const std::string& args, const std::string& path) {
  const std::string command = "ffmpeg -nostdin -v error -y ";
  const std::size_t pipe = args.rfind(" pipe:");
  if (pipe == std::string::npos) return must_run(cat(command, args, " ", path));
  const auto ran =
      tool()({"/bin/sh", "-c", cat(command, args.substr(0, pipe), " pipe: | cat > ", path)}, std::chrono::seconds(60));
  ASSERT_TRUE(ran) << ran.error().message;
  ASSERT_EQ(ran->exit_code, 0) << ran->err;
}

class GoodFileOf : public testing::TestWithParam<std::pair<const std::string, GoodFile>> {};

// contract: F50
TEST_P(GoodFileOf, IsTakenAndToldWhole) {
  const auto& [name, file] = GetParam();
  const std::string input = clip_dir() / cat("good_in.", file.extension);
  make_file(file.args, input);
  if (HasFailure()) return;
  const WayJob job{input, file.parameters, file.output};
  const Encoded encoded = encode(job, clip_dir() / cat("good_out.", file.output));
  ASSERT_EQ(encoded.stopped, "") << encoded.words << "\n" << file.args;
  const std::string verdict = judge(encoded, encoded.output);
  keep(Truth::kGood, name, "output", encoded.output, verdict);
  EXPECT_EQ(verdict, "good") << file.args;
  std::vector<std::string> told = encoded.left_out;
  const auto& converted = encoded.expected.changes.converted;
  told.insert(told.end(), converted.begin(), converted.end());
  for (const std::string& words : file.named)
    EXPECT_TRUE(std::regex_search(join(told, "\n"), std::regex(words))) << words << " is not in:\n" << join(told, "\n");
  if (file.entries.empty()) return;
  EXPECT_EQ(ffprobe_says(encoded.output, file.entries, file.streams), file.said);
}
INSTANTIATE_TEST_SUITE_P(Corpus, GoodFileOf, testing::ValuesIn(drawn_files()),
                         [](const auto& i) { return i.param.first; });

TEST(GoodFiles, AreManyAndFiveOfEach) {
  std::map<std::string, int> counts;
  int sum = 0;
  for (const GoodFile& file : good_files()) ++sum, ++counts[file.shape];
  EXPECT_GE(sum, 200);
  for (const auto& [shape, count] : counts) EXPECT_GE(count, 5) << shape;
}

}  // namespace
}  // namespace ffrtmp::test
