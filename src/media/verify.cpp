#include "media/verify.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "media/bitstream.h"
#include "media/decode_check.h"
#include "media/hls_output.h"
#include "media/packets.h"

namespace ffrtmp::media {
namespace {

// How far ends may be off.
constexpr double kEndSlackSeconds = 0.5;
// Above these a pause in the video is a hole, unless the input had it.
constexpr double kHoleSeconds = 1;
constexpr double kHoleFrames = 3;
// Packets of sound are shorter than a tenth of this.
constexpr double kSoundHoleSeconds = 0.5;

std::string seconds_text(double seconds) { return cat(format_fixed(seconds, 2), " s"); }

std::vector<const ProbedStream*> of_type(const Probe& probe, std::string_view type) {
  std::vector<const ProbedStream*> out;
  for (const ProbedStream& stream : probe.streams)
    if (stream.type == type && !stream.is_attached_pic) out.push_back(&stream);
  return out;
}

std::string wrong_count(const Probe& found, const Expectation& expected) {
  const auto differs = [&](std::string_view type, int want) -> std::string {
    const std::size_t have = of_type(found, type).size();
    if (have == static_cast<std::size_t>(want)) return {};
    return cat("the output has ", have, " ", type, " streams instead of ", want);
  };
  for (const auto& [type, want] : {std::pair<std::string_view, int>{"video", expected.video_streams},
                                   {"audio", expected.audio_streams},
                                   {"subtitle", expected.subtitle_streams}})
    if (std::string wrong = differs(type, want); !wrong.empty()) return wrong;
  return {};
}

// "yuvj420p" is yuv420p in full range.
std::string plain_format(std::string format) {
  if (format.starts_with("yuvj")) format.erase(3, 1);
  return format;
}

std::string wrong_colour(const Colour& found, const Colour& expected) {
  const auto differs = [](const char* what, const auto& have, const auto& want) -> std::string {
    if (!want || have == want) return {};
    return cat("the colour ", what, " is ", have.value_or("unknown"), " instead of ", *want);
  };
  if (std::string wrong = differs("space", found.space, expected.space); !wrong.empty()) return wrong;
  if (std::string wrong = differs("transfer", found.transfer, expected.transfer); !wrong.empty()) return wrong;
  if (std::string wrong = differs("primaries", found.primaries, expected.primaries); !wrong.empty()) return wrong;
  return differs("range", found.range, expected.range);
}

std::string wrong_kind(const ProbedStream& video, const Expectation& expected) {
  if (expected.video_codec && video.codec != *expected.video_codec)
    return cat("the video is ", video.codec, " instead of ", *expected.video_codec);
  const auto size = [](std::optional<int> w, std::optional<int> h) { return cat(w.value_or(0), "x", h.value_or(0)); };
  if ((expected.width && video.width != expected.width) || (expected.height && video.height != expected.height))
    return cat("the video is ", size(video.width, video.height), " instead of ", size(expected.width, expected.height));
  if (expected.pixel_format &&
      plain_format(video.pixel_format.value_or("unknown")) != plain_format(*expected.pixel_format))
    return cat("the pixel format is ", video.pixel_format.value_or("unknown"), " instead of ", *expected.pixel_format);
  if (video.rotation_degrees != expected.rotation_degrees)
    return cat("the video is to be shown turned by ", video.rotation_degrees, " degrees instead of ",
               expected.rotation_degrees);
  return {};
}

double span_of(const ProbedStream& stream, double end) { return end - stream.first_pts_seconds.value_or(end); }

// First picture to the start of the last.
std::optional<double> picture_span(const ProbedStream& video) {
  if (!video.first_pts_seconds || !video.last_pts_seconds) return std::nullopt;
  return span_of(video, *video.last_pts_seconds);
}

std::string wrong_rate(const ProbedStream& video, double fps) {
  const double frames = static_cast<double>(video.packets.value_or(0));
  const double span = picture_span(video).value_or(0);
  // 0.1 %, or one picture more or less over a short file.
  const double slack = std::max(0.001 * fps, span > 0 ? 1.5 / span : fps);
  const double counted = frames > 1 && span > 0 ? (frames - 1) / span : fps;
  const double declared = video.fps.value_or(counted);
  if (std::abs(declared - fps) <= slack || std::abs(counted - fps) <= slack) return {};
  return cat("the video has ", format_fixed(declared, 3), " frames a second instead of ", format_fixed(fps, 3));
}

std::string wrong_frames(const ProbedStream& video, const Expectation& expected, const VerifyOptions& options) {
  const std::int64_t found = video.packets.value_or(0);
  if (options.frames_encoded && found < *options.frames_encoded)
    return cat("the video has ", found, " frames, but ", *options.frames_encoded, " were encoded");
  if (!expected.video_frames) return {};
  // Rounding of times drops or repeats a picture here and there; more is loss.
  const std::int64_t slack = std::max<std::int64_t>(2, *expected.video_frames / 200);
  const std::int64_t off = found - *expected.video_frames;
  if (std::abs(off) <= slack + expected.spare_frames) return {};
  return cat("the video has ", found, " frames instead of ", *expected.video_frames);
}

std::string wrong_video(const ProbedStream& video, const Expectation& expected, const VerifyOptions& options) {
  if (video.packets.value_or(0) == 0) return "the video holds no frame";
  if (std::string wrong = wrong_kind(video, expected); !wrong.empty()) return wrong;
  if (expected.fps)
    if (std::string wrong = wrong_rate(video, *expected.fps); !wrong.empty()) return wrong;
  const double frame = video.fps ? 1 / *video.fps : 0;
  const double slack = kEndSlackSeconds + frame + expected.spare_seconds;
  if (const auto span = picture_span(video);
      span && expected.video_seconds && std::abs(*span - *expected.video_seconds) > slack)
    return cat("the video's last frame is at ", seconds_text(*span), " instead of ",
               seconds_text(*expected.video_seconds));
  if (std::string wrong = wrong_frames(video, expected, options); !wrong.empty()) return wrong;
  const double allowed =
      std::max({kHoleSeconds, kHoleFrames * frame, 1.1 * expected.max_gap_seconds.value_or(0) + frame});
  if (const double gap = video.largest_gap_seconds.value_or(0); gap > allowed)
    return cat("the video has a hole of ", seconds_text(gap));
  return wrong_colour(video.colour, expected.colour);
}

// After "audio stream 1 ".
std::string wrong_sound(const ProbedStream& audio, const ExpectedAudio& expected) {
  if (expected.codec && audio.codec != *expected.codec) return cat("is ", audio.codec, " instead of ", *expected.codec);
  if (expected.channels && audio.channels != expected.channels)
    return cat("has ", audio.channels.value_or(0), " channels instead of ", *expected.channels);
  if (const double gap = audio.largest_gap_seconds.value_or(0);
      gap > std::max(kSoundHoleSeconds, 1.1 * expected.max_gap_seconds + 0.1))
    return cat("has a hole of ", seconds_text(gap));
  if (!audio.end_seconds) return {};
  const double found = span_of(audio, *audio.end_seconds);
  if (std::abs(found - expected.seconds) <= kEndSlackSeconds) return {};
  return cat("lasts ", seconds_text(found), " instead of ", seconds_text(expected.seconds));
}

std::string wrong_audio(const std::vector<const ProbedStream*>& streams, const Expectation& expected) {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (streams[i]->packets.value_or(0) == 0) return cat("audio stream ", i, " is empty");
    if (i >= expected.audio.size()) continue;
    if (std::string wrong = wrong_sound(*streams[i], expected.audio[i]); !wrong.empty())
      return cat("audio stream ", i, " ", wrong);
  }
  return {};
}

std::string wrong_total(const Probe& found, const Expectation& expected) {
  if (!expected.total_seconds) return {};
  double first = std::numeric_limits<double>::infinity();
  double last = -first;
  for (const ProbedStream& stream : found.streams) {
    if (stream.is_attached_pic || (stream.type != "video" && stream.type != "audio") || !stream.end_seconds) continue;
    first = std::min(first, stream.first_pts_seconds.value_or(*stream.end_seconds));
    last = std::max(last, *stream.end_seconds);
  }
  if (last < first) return {};
  // The last picture may be shown for as long as any of the input.
  const double slack =
      std::max(kEndSlackSeconds, 0.02 * *expected.total_seconds) + expected.max_gap_seconds.value_or(0);
  if (std::abs(last - first - *expected.total_seconds) <= slack) return {};
  return cat("the output lasts ", seconds_text(last - first), " instead of ", seconds_text(*expected.total_seconds));
}

// Times that run backwards, packets without content.
std::string wrong_packets(const Scan& scan) {
  std::vector<double> last(scan.probe.streams.size(), -std::numeric_limits<double>::infinity());
  for (const Packet& packet : scan.packets) {
    const auto index = static_cast<std::size_t>(packet.stream);
    if (index >= last.size()) continue;
    const ProbedStream& stream = scan.probe.streams[index];
    if (stream.type != "video" && stream.type != "audio") continue;
    if (packet.size <= 0) return cat("stream ", index, " has an empty packet");
    if (std::isnan(packet.dts)) continue;
    if (packet.dts < last[index]) return cat("stream ", index, " runs backwards at ", seconds_text(packet.dts));
    last[index] = packet.dts;
  }
  return {};
}

std::string first_line(std::string_view text) {
  for (const std::string_view line : split(text, '\n'))
    if (!trim(line).empty()) return std::string(trim(line));
  return {};
}

// All that the packets say.
std::string wrong_by_packets(const Scan& scan, const Expectation& expected, const VerifyOptions& options) {
  if (std::string wrong = wrong_count(scan.probe, expected); !wrong.empty()) return wrong;
  if (const auto video = of_type(scan.probe, "video"); !video.empty())
    if (std::string wrong = wrong_video(*video.front(), expected, options); !wrong.empty()) return wrong;
  if (std::string wrong = wrong_audio(of_type(scan.probe, "audio"), expected); !wrong.empty()) return wrong;
  if (std::string wrong = wrong_total(scan.probe, expected); !wrong.empty()) return wrong;
  if (std::string wrong = wrong_packets(scan); !wrong.empty()) return wrong;
  if (expected.chapters && scan.probe.chapters != *expected.chapters)
    return cat("the output has ", scan.probe.chapters, " chapters instead of ", *expected.chapters);
  return first_line(scan.complaints);
}

Result<std::string> wrong_bytes(const std::string& path, const Scan& scan) {
  if (scan.probe.format == "mpegts") return scan.probe.damage;
  FFRTMP_ASSIGN(const auto damage, find_damage(path, scan));
  return damage.value_or("");
}

std::string level_name(model::VerifyLevel level) {
  return level == model::VerifyLevel::kPackets ? "packets" : level == model::VerifyLevel::kFull ? "full" : "sample";
}

void describe(model::OutputInfo& out, const Probe& probe) {
  out.size_bytes = probe.size_bytes;
  double first = std::numeric_limits<double>::infinity();
  double last = -first;
  for (const ProbedStream& stream : probe.streams) {
    model::StreamInfo& info = out.streams.emplace_back();
    info = {stream.index, stream.type,     stream.codec,       stream.width, stream.height, stream.pixel_format,
            stream.fps,   stream.channels, stream.sample_rate, std::nullopt, stream.packets};
    if (!stream.end_seconds) continue;
    info.duration_seconds = span_of(stream, *stream.end_seconds);
    first = std::min(first, stream.first_pts_seconds.value_or(*stream.end_seconds));
    last = std::max(last, *stream.end_seconds);
  }
  if (last > first) out.duration_seconds = last - first;
}

std::string codec_of_video(const Probe& probe) {
  const auto video = of_type(probe, "video");
  return video.empty() ? std::string() : video.front()->codec;
}

// The demuxer that reads back what a muxer wrote.
std::string demuxer_of(const std::string& muxer) {
  if (muxer == "mp4") return "mov";
  if (muxer == "webm") return "matroska";
  return muxer;
}

// Everything but the verdict's bookkeeping: what is wrong first, or "".
Result<std::string> find_wrong(const std::string& path, const Expectation& expected, const VerifyOptions& options,
                               const RunTool& run, model::OutputInfo& out) {
  const bool is_hls = options.muxer == "hls";
  HlsFiles hls;
  if (is_hls) {
    auto checked = check_hls(path);
    if (!checked) return std::move(checked).error().message;
    hls = *std::move(checked);
    if (!hls.wrong.empty()) return hls.wrong;
  }
  ProbeOptions probe{options.ffprobe, demuxer_of(options.muxer), true};
  auto scan = scan_file(path, probe, run);
  // A file that ffprobe cannot read is a verdict; a tool that cannot run is none.
  if (!scan && scan.error().code == Errc::kInvalid) return cat("cannot be read: ", scan.error().message);
  if (!scan) return std::move(scan).error();
  describe(out, scan->probe);
  if (is_hls) out.size_bytes = hls.size_bytes;
  if (std::string wrong = wrong_by_packets(*scan, expected, options); !wrong.empty()) return wrong;
  if (is_hls) {
    if (std::string wrong = wrong_times(hls.list, *scan); !wrong.empty()) return wrong;
  } else {
    FFRTMP_ASSIGN(std::string wrong, wrong_bytes(path, *scan));
    if (!wrong.empty()) return wrong;
  }
  FFRTMP_ASSIGN(const auto complaint,
                find_decode_error({path, options.ffmpeg, demuxer_of(options.muxer), codec_of_video(scan->probe)},
                                  plan_windows(*scan, options.level), run));
  return complaint ? cat("cannot be decoded: ", *complaint) : std::string();
}

}  // namespace

Result<Verdict> verify_output(const std::string& path, const Expectation& expected, const VerifyOptions& options,
                              const RunTool& run) {
  Verdict verdict;
  verdict.output.verify_level = level_name(options.level);
  FFRTMP_ASSIGN(verdict.error, find_wrong(path, expected, options, run, verdict.output));
  verdict.good = verdict.error.empty();
  verdict.output.verified = verdict.good;
  if (!verdict.good) verdict.output.verify_error = verdict.error;
  return verdict;
}

}  // namespace ffrtmp::media
