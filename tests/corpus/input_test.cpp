// Damaged inputs of six containers: a job with one must not end well, and says that the input is at fault.
#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/corpus/damage.h"
#include "tests/support/clips.h"

namespace ffrtmp::test {
namespace {

struct InputCase {
  std::string extension;
  ByteDamage damage;
  [[nodiscard]] std::string name() const { return cat(damage.name, "_", extension); }
};

void PrintTo(const InputCase& one, std::ostream* out) { *out << one.name(); }

// ffmpeg's VP9 decoder shows what comes out of flipped bits: bench/corpus counts them.
bool can_be_told(const std::string& damage, const std::string& extension) {
  return !damage.starts_with("flipped") || extension != "webm";
}

// All containers are truncated in every run; of the other damages each run takes one.
std::vector<InputCase> input_cases() {
  std::vector<InputCase> out;
  for (const ByteDamage& damage : byte_damages()) {
    std::vector<InputCase> list;
    for (const std::string extension : {"mp4", "mkv", "ts", "webm", "mov", "flv"})
      if (keeps() || can_be_told(damage.name, extension)) list.push_back({extension, damage});
    if (takes_all() || damage.name == "truncated")
      out.insert(out.end(), list.begin(), list.end());
    else
      out.push_back(list[Draw(damage.name + "_input").below(list.size())]);
  }
  return out;
}

class DamagedInput : public testing::TestWithParam<InputCase> {};

TEST_P(DamagedInput, IsNotTakenForGood) {
  const auto& [extension, damage] = GetParam();
  const std::string source = rich_clip(extension);
  const std::string clean = read_file(source);
  const std::string sums = frame_sums(source);
  const auto packets = packet_places(source);
  const std::string path = clip_dir() / cat("damaged_input.", extension);
  Draw draw(GetParam().name() + "_input");
  for (int tries = 0; tries < 12; ++tries) {
    std::string bytes = clean;
    damage.apply(bytes, packets, draw);
    write_file(path, bytes);
    if (frame_sums(path) == sums) continue;
    WayJob job{path, {}, "mkv"};
    const std::string verdict = refusal(job);
    keep(Truth::kDamaged, GetParam().name() + "_input", "input", path, verdict);
    if (can_be_told(damage.name, extension)) {
      EXPECT_THAT(verdict, testing::MatchesRegex("(input|choice|engine|engine said|output): .+"));
    }
    return;
  }
  FAIL() << "the frames are those of the clean file wherever it is damaged";
}
INSTANTIATE_TEST_SUITE_P(Corpus, DamagedInput, testing::ValuesIn(input_cases()),
                         [](const auto& i) { return i.param.name(); });

}  // namespace
}  // namespace ffrtmp::test
