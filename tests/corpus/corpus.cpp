#include "tests/corpus/corpus.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "tests/support/clips.h"

namespace ffrtmp::test {
namespace {

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* const given = std::getenv("FFRTMP_CORPUS_SEED");
    const std::uint64_t drawn = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::printf("FFRTMP_CORPUS_SEED=%llu repeats this run\n", static_cast<unsigned long long>(drawn));
    return drawn;
  }();
  return value;
}

// FNV-1a: the same on every machine, which std::hash does not promise.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::string out_of(const std::vector<std::string>& argv) {
  const auto result = tool()(argv, std::chrono::seconds(60));
  return result ? result->out : std::string();
}

std::string ffprobe_out(const std::string& path, const std::string& entries, const std::string& streams) {
  std::vector<std::string> argv{"ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0"};
  if (!streams.empty()) argv.insert(argv.end(), {"-select_streams", streams});
  argv.push_back("file:" + path);
  return out_of(argv);
}

}  // namespace

bool takes_all() {
  const char* const all = std::getenv("FFRTMP_TEST_ALL");
  return all != nullptr && std::string_view(all) == "1";
}

bool keeps() { return std::getenv("FFRTMP_CORPUS_KEEP") != nullptr; }

Draw::Draw(std::string_view name) : numbers_(seed() ^ hash_of(name)) {}

std::size_t Draw::below(std::size_t count) { return count == 0 ? 0 : numbers_() % count; }

std::string frame_sums(const std::string& path) {
  std::string sums;
  const std::string out = out_of({"ffmpeg", "-nostdin", "-v", "quiet", "-i", "file:" + path, "-map", "0:v?", "-map",
                                  "0:a?", "-fps_mode", "passthrough", "-f", "framemd5", "-"});
  for (const std::string_view line : split(out, '\n'))
    if (!line.starts_with("#")) sums += cat(line, "\n");
  return sums;
}

std::vector<Place> packet_places(const std::string& path) {
  std::vector<Place> places;
  const std::string out = ffprobe_out(path, "packet=codec_type,size,pos", {});
  for (const std::string_view line : split(out, '\n')) {
    const auto fields = split(line, ',');
    if (fields.size() < 3) continue;
    const auto size = parse_int(fields[1]);
    const auto pos = parse_int(fields[2]);
    if (size && pos)
      places.push_back({std::string(fields[0]), static_cast<std::size_t>(*pos), static_cast<std::size_t>(*size)});
  }
  return places;
}

std::string ffprobe_says(const std::string& path, const std::string& entries, const std::string& streams) {
  // The streams of a program are listed there and, behind an empty line, again.
  const std::string out = ffprobe_out(path, entries, streams);
  return std::string(trim(out.substr(0, out.find("\n\n"))));
}

void keep(Truth truth, const std::string& name, const std::string& stage, const std::string& path,
          const std::string& verdict) {
  const char* const dir = std::getenv("FFRTMP_CORPUS_KEEP");
  if (dir == nullptr) return;
  const std::string file = cat(name, path.substr(path.rfind('.')));
  std::filesystem::copy_file(path, cat(dir, "/", file), std::filesystem::copy_options::overwrite_existing);
  std::ofstream(cat(dir, "/list.tsv"), std::ios::app)
      << (truth == Truth::kDamaged ? "damaged" : "good") << '\t' << stage << '\t' << file << '\t' << verdict << '\n';
}

std::string rich_clip(const std::string& extension) {
  const std::string subtitles = clip_dir() / "rich.srt";
  const std::string chapters = clip_dir() / "rich.txt";
  write_file(subtitles, "1\n00:00:00,500 --> 00:00:01,500\nhello\n\n2\n00:00:02,000 --> 00:00:03,000\nyou\n");
  write_file(chapters,
             ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=one\n"
             "[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=4000\ntitle=two\n");
  const bool is_webm = extension == "webm";
  const std::string text = extension == "mkv"                         ? "-map 3 -c:s srt "
                           : is_webm                                  ? "-map 3 -c:s webvtt "
                           : extension == "mp4" || extension == "mov" ? "-map 3 -c:s mov_text "
                                                                      : "";
  const std::string sounds = extension == "flv" ? "-map 1 " : "-map 1 -map 2 ";
  return clip("rich." + extension, kPicture + kSound + "-f lavfi -i sine=frequency=400:sample_rate=48000 -i " +
                                       subtitles + " -f ffmetadata -i " + chapters + " -map 0 " + sounds + text +
                                       "-map_chapters 4 -t 4 " +
                                       (is_webm ? "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M -c:a libopus "
                                                : kH264 + "-b:v 2M -g 30 -c:a aac ") +
                                       "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv " +
                                       (extension == "mp4" || extension == "mov" ? "-movflags +faststart" : ""));
}

}  // namespace ffrtmp::test
