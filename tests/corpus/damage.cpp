#include "tests/corpus/damage.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::test {
namespace {

using Packets = std::vector<Place>;

// A range of `size` bytes in the first, second or last third of the file; headers and indexes are part of it.
std::size_t start_of_range(const std::string& bytes, std::size_t size, Draw& draw) {
  if (bytes.size() <= size) return 0;
  const std::size_t room = bytes.size() - size;
  const std::size_t third = draw.below(3);
  return room * third / 3 + draw.below(room / 3);
}

// A packet of that type that is big enough to matter.
Place big_packet(const Packets& packets, std::string_view type, Draw& draw) {
  std::vector<Place> fit;
  std::size_t largest = 0;
  for (const Place& place : packets)
    if (place.type == type) largest = std::max(largest, place.size);
  for (const Place& place : packets)
    if (place.type == type && place.size * 4 >= largest) fit.push_back(place);
  return fit.empty() ? Place{} : fit[draw.below(fit.size())];
}

void flip(std::string& bytes, std::size_t from, std::size_t size, int count, Draw& draw) {
  for (int i = 0; i < count && from + size <= bytes.size() && size > 0; ++i)
    bytes[from + draw.below(size)] ^= static_cast<char>(1U << draw.below(8));
}

void zero(std::string& bytes, std::size_t from, std::size_t size) {
  for (std::size_t i = from; i < std::min(from + size, bytes.size()); ++i) bytes[i] = 0;
}

}  // namespace

std::string name_of(const Kind& kind) {
  std::string name = cat(kind.extension, "_", kind.encoder);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> list{
      {"mp4", "libx264"},    {"mp4", "libx265"}, {"mp4", "libsvtav1"}, {"mov", "libx264"},    {"mov", "libx265"},
      {"mkv", "libx264"},    {"mkv", "libx265"}, {"mkv", "libsvtav1"}, {"mkv", "libvpx-vp9"}, {"webm", "libvpx-vp9"},
      {"webm", "libsvtav1"}, {"webm", "libvpx"}, {"ts", "libx264"},    {"ts", "libx265"},     {"flv", "libx264"}};
  return list;
}

const std::vector<ByteDamage>& byte_damages() {
  constexpr std::size_t kZeros = 60'000;
  constexpr std::size_t kBlock = 20'000;
  static const std::vector<ByteDamage> list{
      {"truncated", [](auto& b, auto&, auto& d) { b.resize(b.size() * d.between(10, 93) / 100); }},
      {"zeroed", [](auto& b, auto&, auto& d) { zero(b, start_of_range(b, kZeros, d), kZeros); }},
      {"hole", [](auto& b, auto&, auto& d) { b.erase(start_of_range(b, kZeros, d), kZeros); }},
      {"garbage",
       [](auto& b, auto&, auto& d) {
         const std::size_t at = start_of_range(b, kBlock, d);
         for (std::size_t i = at; i < std::min(at + kBlock, b.size()); ++i) b[i] = static_cast<char>(d.below(256));
       }},
      {"swapped",
       [](auto& b, auto&, auto& d) {
         const std::size_t at = b.size() / 8 + d.below(b.size() / 8);
         std::swap_ranges(b.begin() + static_cast<long>(at), b.begin() + static_cast<long>(at + kBlock),
                          b.begin() + static_cast<long>(at + b.size() / 3));
       }},
      {"repeated",
       [](auto& b, auto&, auto& d) {
         const std::size_t at = start_of_range(b, kBlock, d);
         b.insert(at, b.substr(at, kBlock));
       }},
      {"zeroed_packet",
       [](auto& b, auto& p, auto& d) {
         const Place place = big_packet(p, "video", d);
         zero(b, place.pos, place.size);
       }},
      {"flipped_packet",
       [](auto& b, auto& p, auto& d) {
         const Place place = big_packet(p, "video", d);
         flip(b, place.pos, place.size, 64 + static_cast<int>(place.size / 16), d);
       }},
      {"flipped_all_over", [](auto& b, auto&, auto& d) { flip(b, b.size() / 10, b.size() * 8 / 10, 200, d); }},
      {"zeroed_sound",
       [](auto& b, auto& p, auto& d) {
         const Place place = big_packet(p, "audio", d);
         zero(b, place.pos, place.size);
       }},
      {"header_only", [](auto& b, auto& p, auto&) { b.resize(p.empty() ? 100 : std::min(p.front().pos, b.size())); }},
      {"empty", [](auto& b, auto&, auto&) { b.clear(); }},
      {"text", [](auto& b, auto&, auto&) { b = "<html><body>507 Insufficient Storage</body></html>\n"; }},
  };
  return list;
}

const std::vector<MediaDamage>& media_damages() {
  static const std::vector<MediaDamage> list{
      {"last_2_s_missing", "-t 2 -c copy", "last frame is at .* instead of|has .* frames"},
      {"first_s_missing", "-ss 1 -c copy -c:v ENC", "last frame is at|has .* frames|lasts"},
      {"middle_packets_missing", "-c copy -bsf:v noise=drop=between(n\\,40\\,79)", "frames, but 120 were encoded"},
      {"one_packet_in_ten_missing", "-c copy -bsf:v noise=drop=not(mod(n+1\\,10))", "frames, but 120 were encoded"},
      {"wrong_size", "-s 160x90 -c copy -c:v ENC", "160x90 instead of 320x180"},
      {"wrong_rate", "-vf fps=25 -c copy -c:v ENC", "frames, but 120 were encoded|instead of 120"},
      {"slowed", "-vf setpts=1.5*PTS -c copy -c:v ENC", "last frame is at"},
      {"wrong_pixel_format", "-pix_fmt yuv444p -c copy -c:v ENC", "pixel format is yuv444p instead of yuv420p",
       "mp4 mov mkv ts", "libsvtav1"},
      {"wrong_codec", "-c copy -c:v mpeg4", "is mpeg4 instead of", "mp4 mov mkv ts"},
      {"missing_video", "-map -0:v -c copy", "0 video streams instead of 1"},
      {"missing_sound", "-map -0:a -c copy", "0 audio streams instead of"},
      {"missing_second_sound", "-map -0:a:1 -c copy", "1 audio streams instead of 2", "mp4 mov mkv webm ts"},
      {"missing_subtitles", "-map -0:s -c copy", "0 subtitle streams instead of 1", "mp4 mov mkv webm"},
      {"missing_chapters", "-map_chapters -1 -c copy", "0 chapters instead of 2", "mp4 mov mkv webm"},
      {"other_colours",
       "-vf setparams=colorspace=smpte170m:color_primaries=smpte170m:color_trc=smpte170m -c copy -c:v ENC "
       "-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m",
       "the colour space is smpte170m instead of bt709", "mp4 mov mkv ts"},
      {"short_sound", "-c copy -c:a:0 AUDIO -filter:a:0 atrim=end=2", "audio stream 0 lasts 2.* instead of 4"},
      {"short_second_sound", "-c copy -c:a:1 AUDIO -filter:a:1 atrim=end=2", "audio stream 1 lasts 2.* instead of 4",
       "mp4 mov mkv webm ts"},
      {"sound_with_a_hole", "-c copy -bsf:a noise=drop=between(n\\,60\\,120)", "audio stream 0 has a hole"},
      {"late_sound", "-c copy -c:a AUDIO -af adelay=1500:all=1,asetpts=PTS", "lasts 5.* instead of 4"},
      {"other_sound_codec", "-c copy -c:a mp3", "audio stream 0 is mp3 instead of", "mp4 mkv ts flv"},
      {"other_channels", "-c copy -c:a AUDIO -ac 2", "audio stream 0 has 2 channels instead of 1"},
  };
  return list;
}

std::string quick_options(const std::string& encoder) {
  if (encoder == "libx264") return "libx264 -preset ultrafast -b:v 2M";
  if (encoder == "libx265") return "libx265 -preset ultrafast -b:v 2M -x265-params log-level=none";
  if (encoder == "libsvtav1") return "libsvtav1 -preset 12 -b:v 2M";
  return cat(encoder, " -deadline realtime -cpu-used 8 -b:v 2M");
}

}  // namespace ffrtmp::test
