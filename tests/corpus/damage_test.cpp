// Damaged outputs: each must be refused, with a reason that names what is wrong.
#include "tests/corpus/damage.h"

#include <gmock/gmock.h>

#include <map>
#include <regex>

#include "base/text.h"
#include "tests/support/clips.h"

namespace ffrtmp::test {
namespace {

// An output of the product without fault, and what its frames are.
struct Clean {
  Encoded encoded;
  std::string bytes;
  std::vector<Place> packets;
  std::string sums;
};

const Clean& clean_of(const Kind& kind) {
  static std::map<std::string, Clean> made;
  Clean& clean = made[name_of(kind)];
  if (!clean.bytes.empty()) return clean;
  WayJob job{rich_clip("mkv"), {}, kind.extension};
  job.parameters.codec = kind.encoder;
  job.parameters.bitrate_bps = 2'000'000;
  job.level = model::VerifyLevel::kFull;
  clean.encoded = encode(job, clip_dir() / cat("clean_", name_of(kind), ".", kind.extension));
  EXPECT_EQ(clean.encoded.stopped, "") << clean.encoded.words;
  clean.bytes = read_file(clean.encoded.output);
  clean.packets = packet_places(clean.encoded.output);
  clean.sums = frame_sums(clean.encoded.output);
  EXPECT_EQ(judge(clean.encoded, clean.encoded.output), "good");
  return clean;
}

bool fits(const std::string& only, const std::string& extension) {
  if (only.empty()) return true;
  const auto words = split(only, ' ');
  return std::find(words.begin(), words.end(), extension) != words.end();
}

// A sample keeps to one kind a container, which saves clean encodes.
std::vector<Kind> drawn_kinds() {
  if (takes_all()) return kinds();
  std::map<std::string, std::vector<Kind>> by_container;
  for (const Kind& kind : kinds()) by_container[kind.extension].push_back(kind);
  std::vector<Kind> drawn;
  Draw draw("kinds");
  for (const auto& [extension, list] : by_container) drawn.push_back(list[draw.below(list.size())]);
  return drawn;
}

template <class Damage>
struct Case {
  Kind kind;
  Damage damage;
  [[nodiscard]] std::string name() const { return cat(damage.name, "_", name_of(kind)); }
};

template <class Damage>
void PrintTo(const Case<Damage>& one, std::ostream* out) {
  *out << one.name();
}

// Of each damage one kind that it fits, or all.
template <class Damage, class Fits>
std::vector<Case<Damage>> cases_of(const std::vector<Damage>& damages, Fits fit) {
  std::vector<Case<Damage>> out;
  for (const Damage& damage : damages) {
    std::vector<Case<Damage>> list;
    for (const Kind& kind : drawn_kinds())
      if (fit(damage, kind)) list.push_back({kind, damage});
    if (takes_all())
      out.insert(out.end(), list.begin(), list.end());
    else
      out.push_back(list[Draw(damage.name).below(list.size())]);
  }
  return out;
}

struct CaseName {
  template <class Info>
  std::string operator()(const Info& info) const {
    return info.param.name();
  }
};

enum class Told { kAlways, kAtTimes, kNever };

// The decoders of HEVC and VP8 show what comes out of flipped bits: bench/corpus counts them. Of many flips all over a
// WebM VP8's shows about half the draws without a word; the others break what stands around the pictures.
Told can_be_told(const ByteDamage& damage, const Kind& kind) {
  if (damage.name == "flipped_packet" && (kind.encoder == "libx265" || kind.encoder == "libvpx")) return Told::kNever;
  return damage.name == "flipped_all_over" && kind.encoder == "libvpx" ? Told::kAtTimes : Told::kAlways;
}

class DamagedBytes : public testing::TestWithParam<Case<ByteDamage>> {};

// contract: F41
TEST_P(DamagedBytes, AreRefused) {
  const auto& [kind, damage] = GetParam();
  const Clean& clean = clean_of(kind);
  const std::string path = clip_dir() / cat("damaged.", kind.extension);
  Draw draw(GetParam().name());
  // A place where nobody sees or hears it is no damage: another one is drawn.
  for (int tries = 0; tries < 12; ++tries) {
    std::string bytes = clean.bytes;
    damage.apply(bytes, clean.packets, draw);
    write_file(path, bytes);
    if (frame_sums(path) == clean.sums) continue;
    const std::string verdict = judge(clean.encoded, path);
    keep(Truth::kDamaged, GetParam().name(), "output", path, verdict);
    const Told told = can_be_told(damage, kind);
    if (told == Told::kAtTimes && verdict == "good") continue;
    if (told != Told::kNever) {
      EXPECT_THAT(verdict, testing::StartsWith("output: "));
    }
    return;
  }
  FAIL() << "the frames are those of the clean run, or the damage is not told, wherever it is";
}
INSTANTIATE_TEST_SUITE_P(Corpus, DamagedBytes,
                         testing::ValuesIn(cases_of(byte_damages(),
                                                    [](auto& d, auto& k) {
                                                      return keeps() || can_be_told(d, k) != Told::kNever;
                                                    })),
                         CaseName());

// The header of such a Matroska file declares the length that was meant.
// contract: F41
TEST(Corpus, AKilledEncoderThatDeclaredItsWholeLength) {
  const std::string in = clip("meant.mkv", kPicture + kSound + "-t 4 " + kH264 + "-c:a aac");
  const Encoded clean = encode({in, {}, "mkv"}, clip_dir() / "whole.mkv");
  ASSERT_EQ(clean.stopped, "") << clean.words;
  ASSERT_EQ(judge(clean, clean.output), "good");
  const std::string killed = clip_dir() / "killed.mkv";
  const auto ended =
      tool()({"ffmpeg",  "-nostdin",       "-v",        "error", "-re",         "-i",   in,    "-c:v",
              "libx264", "-preset",        "ultrafast", "-tune", "zerolatency", "-c:a", "aac", "-cluster_time_limit",
              "300",     "-flush_packets", "1",         killed},
             std::chrono::milliseconds(2500));
  ASSERT_EQ(ended.error().code, Errc::kTimeout) << "killed";
  EXPECT_EQ(ffprobe_says(killed, "format=duration").substr(0, 2), "4.");
  EXPECT_LT(frame_sums(killed).size(), frame_sums(clean.output).size());
  EXPECT_THAT(judge(clean, killed), testing::ContainsRegex("output: .*(last frame is at|frames, but)"));
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  if (const std::size_t at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
  return text;
}

class DamagedMedia : public testing::TestWithParam<Case<MediaDamage>> {};

TEST_P(DamagedMedia, AreRefusedByName) {
  const auto& [kind, damage] = GetParam();
  const Clean& clean = clean_of(kind);
  const std::string path = clip_dir() / cat("damaged.", kind.extension);
  const std::string args = replaced(replaced(damage.args, "ENC", quick_options(kind.encoder)), "AUDIO",
                                    kind.extension == "webm" ? "libopus" : "aac");
  must_run(cat("ffmpeg -nostdin -v error -y -i ", clean.encoded.output, " -map 0 -map -0:d ", args, " ", path));
  const std::string verdict = judge(clean.encoded, path);
  keep(Truth::kDamaged, GetParam().name(), "output", path, verdict);
  EXPECT_TRUE(std::regex_search(verdict, std::regex(damage.words))) << verdict;
}
INSTANTIATE_TEST_SUITE_P(Corpus, DamagedMedia,
                         testing::ValuesIn(cases_of(media_damages(),
                                                    [](const MediaDamage& damage, const Kind& kind) {
                                                      return fits(damage.only, kind.extension) &&
                                                             kind.encoder != damage.not_by;
                                                    })),
                         CaseName());

}  // namespace
}  // namespace ffrtmp::test
