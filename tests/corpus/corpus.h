#pragma once
// What the corpus is drawn from and what is held to be true of its files. The truth comes from outside: frame checksums
// by `ffmpeg -f framemd5`, places of packets by ffprobe.
//
// FFRTMP_CORPUS_SEED=N repeats a run; without it each run draws its own and prints it. FFRTMP_TEST_ALL=1 takes the
// whole corpus instead of a sample. FFRTMP_CORPUS_KEEP=DIR keeps the files there with a list, for bench/corpus.
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/transcode/job_way.h"

namespace ffrtmp::test {

[[nodiscard]] bool takes_all();

// Numbers that depend on the seed and the name of the case alone, so that one case repeats without the others.
class Draw {
 public:
  explicit Draw(std::string_view name);
  // 0 to count - 1.
  [[nodiscard]] std::size_t below(std::size_t count);
  [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }

 private:
  std::mt19937_64 numbers_;
};

// Checksum and time of each decoded frame, in ffmpeg's order; damage that nobody could see or hear changes none.
[[nodiscard]] std::string frame_sums(const std::string& path);

struct Place {
  std::string type;  // "video", "audio"
  std::size_t pos = 0;
  std::size_t size = 0;
};
[[nodiscard]] std::vector<Place> packet_places(const std::string& path);

// One thing of what ffprobe says of a file, as "h264,320"; entries as for -show_entries.
[[nodiscard]] std::string ffprobe_says(const std::string& path, const std::string& entries,
                                       const std::string& streams = {});

// Whether files are kept for bench/corpus: then those whose damage cannot be told are made too, and not judged.
[[nodiscard]] bool keeps();

enum class Truth { kDamaged, kGood };
// Adds the file to the list for bench/corpus, if one is kept. `stage`: "input" or "output".
void keep(Truth truth, const std::string& name, const std::string& stage, const std::string& path,
          const std::string& verdict);

// Four seconds with two sounds, subtitles, chapters and colour tags; `extension` names the container. 2 s are enough
// for a good file.
[[nodiscard]] std::string rich_clip(const std::string& extension);

}  // namespace ffrtmp::test
