// HLS outputs as a full disk or a lost file leaves them.
#include <gmock/gmock.h>

#include <filesystem>

#include "base/text.h"
#include "tests/corpus/corpus.h"
#include "tests/support/clips.h"

namespace ffrtmp::test {
namespace {

std::string without(std::string text, const std::string& what) {
  if (const std::size_t at = text.find(what); at != std::string::npos) text.erase(at, what.size());
  return text;
}

// Judges a copy of a clean output of three segments after `spoil` changed files of its folder.
std::string spoiled(const std::function<void(const std::string& dir)>& spoil) {
  static const TempDir clean;
  static const Encoded encoded = [] {
    WayJob job{clip("hls_source.mp4", kPicture + kSound + "-t 8 -g 30 " + kH264 + "-c:a aac"), {}, "m3u8"};
    job.parameters.output_mode = model::OutputMode::kHls;
    return encode(job, clean / "out.m3u8");
  }();
  EXPECT_EQ(encoded.stopped, "") << encoded.words;
  const TempDir dir;
  std::filesystem::copy(clean.path(), dir.path(),
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  spoil(dir.path() + "/");
  return judge(encoded, dir / "out.m3u8");
}

TEST(DamagedHls, IsRefusedByName) {
  EXPECT_EQ(spoiled([](auto) {}), "good");
  Draw draw("hls");
  const std::string segment = cat("out.0000", draw.below(3), ".ts");
  EXPECT_EQ(spoiled([&](auto dir) { std::filesystem::remove(dir + segment); }),
            cat("output: segment ", segment, " is missing"));
  EXPECT_EQ(spoiled([&](auto dir) { write_file(dir + segment, ""); }), cat("output: segment ", segment, " is empty"));
  EXPECT_THAT(spoiled([&](auto dir) { write_file(dir + "out.m3u8", ""); }), testing::HasSubstr("playlist"));
  EXPECT_THAT(spoiled([&](auto dir) { std::filesystem::remove(dir + "out.m3u8"); }), testing::HasSubstr("out.m3u8"));
  EXPECT_EQ(
      spoiled([](auto dir) { write_file(dir + "out.m3u8", without(read_file(dir + "out.m3u8"), "#EXT-X-ENDLIST")); }),
      "output: the playlist is not closed (no EXT-X-ENDLIST)");
  EXPECT_THAT(
      spoiled([&](auto dir) { write_file(dir + "out.m3u8", without(read_file(dir + "out.m3u8"), segment + "\n")); }),
      testing::StartsWith("output: "));
  EXPECT_THAT(spoiled([&](auto dir) {
                const auto size = std::filesystem::file_size(dir + segment);
                std::filesystem::resize_file(dir + segment, size / 188 / 2 * 188);
              }),
              testing::StartsWith("output: "));
  EXPECT_THAT(spoiled([&](auto dir) {
                std::string bytes = read_file(dir + segment);
                bytes.replace(bytes.size() / 2, 20'000, std::min<std::size_t>(20'000, bytes.size() / 2), '\0');
                write_file(dir + segment, bytes);
              }),
              testing::StartsWith("output: "));
}

}  // namespace
}  // namespace ffrtmp::test
