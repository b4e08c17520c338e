#include "media/decode_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <future>

#include "base/text.h"

namespace ffrtmp::media {
namespace {

constexpr double kWindowSeconds = 5;
constexpr double kShortSeconds = 15;  // three windows are all of it
// Ten times real time at the very least, or the output is not worth waiting for.
constexpr std::chrono::milliseconds kMinPatience{120'000};

// The latest key frame of the video at or before `time`: decoding begins there anyway.
double key_before(const std::vector<double>& keys, double time) {
  const auto after = std::upper_bound(keys.begin(), keys.end(), time);
  return after == keys.begin() ? 0 : *(after - 1);
}

std::vector<double> key_times(const Scan& scan, double start) {
  int video = -1;
  for (const ProbedStream& stream : scan.probe.streams)
    if (video < 0 && stream.type == "video" && !stream.is_attached_pic) video = stream.index;
  std::vector<double> out;
  for (const Packet& packet : scan.packets)
    if (packet.stream == video && packet.key && !std::isnan(packet.pts)) out.push_back(packet.pts - start);
  std::sort(out.begin(), out.end());
  return out;
}

// Said of whole streams when decoding begins in the middle of them.
bool harmless(std::string_view line) {
  constexpr std::array<std::string_view, 5> kLines{"co located POCs unavailable", "mmco: unref short failure",
                                                   "number of reference frames", "SEI type", "Last message repeated"};
  return trim(line).empty() || std::any_of(kLines.begin(), kLines.end(), [&](std::string_view text) {
           return line.find(text) != std::string_view::npos;
         });
}

std::string first_complaint(std::string_view text) {
  for (const std::string_view line : split(text, '\n'))
    if (!harmless(line)) return std::string(trim(line));
  return {};
}

// The decoder that checks the most; empty: ffmpeg's choice.
std::string strict_decoder(std::string_view codec) {
  return codec == "av1" ? "libaom-av1" : codec == "vp9" ? "libvpx-vp9" : "";
}

std::vector<std::string> decode_command(const DecodeRequest& request, const std::vector<Window>& windows) {
  const std::string decoder = strict_decoder(request.codec);
  std::vector<std::string> argv{request.ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-xerror"};
  for (const Window& window : windows) {
    // The deblocking filter finds no damage and costs a quarter of the time.
    argv.insert(argv.end(), {"-threads", "1", "-err_detect", "explode", "-skip_loop_filter", "all"});
    if (window.start > 0) argv.insert(argv.end(), {"-ss", format_fixed(window.start, 6)});
    if (window.length) argv.insert(argv.end(), {"-t", format_fixed(*window.length, 6)});
    if (!decoder.empty()) argv.insert(argv.end(), {"-c:v", decoder});
    argv.insert(argv.end(), {"-protocol_whitelist", "file"});
    if (!request.demuxer.empty()) argv.insert(argv.end(), {"-f", request.demuxer});
    argv.insert(argv.end(), {"-i", cat("file:", request.path)});
  }
  for (std::size_t i = 0; i < windows.size(); ++i)
    argv.insert(argv.end(), {"-map", cat(i, ":v?"), "-map", cat(i, ":a?")});
  // Times in the file's own unit: in that of a guessed frame rate two pictures of a VFR file can share one, and the null
  // muxer complains.
  argv.insert(argv.end(), {"-fps_mode", "passthrough", "-enc_time_base:v", "-1", "-f", "null", "-"});
  return argv;
}

Result<std::optional<std::string>> decode(const DecodeRequest& request, const std::vector<Window>& windows,
                                          const RunTool& run, std::chrono::milliseconds patience) {
  FFRTMP_ASSIGN(ToolResult result, run(decode_command(request, windows), patience));
  if (result.exit_code != 0 && result.err.find("Unknown decoder") != std::string::npos) {
    DecodeRequest plain = request;
    plain.codec.clear();
    FFRTMP_ASSIGN(result, run(decode_command(plain, windows), patience));
  }
  std::string complaint = first_complaint(result.err);
  if (result.exit_code != 0 && complaint.empty()) complaint = cat("the decoder ended with ", result.exit_code);
  if (complaint.empty()) return std::optional<std::string>();
  return std::optional(std::move(complaint));
}

}  // namespace

std::vector<Window> plan_windows(const Scan& scan, model::VerifyLevel level) {
  if (level == model::VerifyLevel::kPackets) return {};
  const double start = scan.probe.start_seconds.value_or(0);
  double length = 0;
  for (const ProbedStream& stream : scan.probe.streams)
    length = std::max(length, stream.end_seconds.value_or(0) - start);
  if (level == model::VerifyLevel::kFull || length <= kShortSeconds) return {Window{}};
  const auto keys = key_times(scan, start);
  return {Window{0, kWindowSeconds}, Window{key_before(keys, (length - kWindowSeconds) / 2), kWindowSeconds},
          Window{key_before(keys, length - kWindowSeconds), std::nullopt}};
}

Result<std::optional<std::string>> find_decode_error(const DecodeRequest& request, const std::vector<Window>& windows,
                                                     const RunTool& run) {
  if (windows.empty()) return std::optional<std::string>();
  const auto patience = windows.size() > 1 ? kMinPatience : std::chrono::milliseconds(std::chrono::hours(24));
  if (windows.size() < 2) return decode(request, windows, run, patience);
  // The last window begins at a key frame before the last 5 s and is the longest.
  const std::vector<Window> first(windows.begin(), windows.end() - 1);
  auto other = std::async(std::launch::async, [&] { return decode(request, first, run, patience); });
  const auto last = decode(request, {windows.back()}, run, patience);
  const auto early = other.get();
  FFRTMP_TRY(last);
  FFRTMP_TRY(early);
  if (!*last && !*early) return std::optional<std::string>();
  // A decoder that starts in the middle may miss what an open GOP refers to: only the whole file can accuse.
  return decode(request, {Window{}}, run, std::chrono::hours(24));
}

}  // namespace ffrtmp::media
