// expect_output: from the packets of the input and what was asked, what the output has to be.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "media/verify.h"
#include "model/carriage.h"
#include "model/media_names.h"

namespace ffrtmp::media {
namespace {

// How far an end may be off: half a second, or 2 % of long media.
double slack(double seconds) { return std::max(0.5, 0.02 * seconds); }

// Containers that store a length; others only have it estimated from bit rates.
bool declares_length(std::string_view format) {
  constexpr std::array<std::string_view, 8> kNames{"mov", "matroska", "avi", "flv", "asf", "mxf", "wav", "ogg"};
  return std::any_of(kNames.begin(), kNames.end(), [&](std::string_view name) { return format.starts_with(name); });
}

std::string seconds_text(double seconds) { return cat(format_fixed(seconds, 2), " s"); }

Status check_whole(const Probe& input) {
  // ffmpeg looks for the next packet and says nothing of what it passed.
  if (!input.damage.empty()) return make_error(Errc::kInvalid, cat("the input is damaged: ", input.damage));
  if (!declares_length(input.format)) return {};
  double end = 0;
  for (const ProbedStream& stream : input.streams) end = std::max(end, stream.end_seconds.value_or(0));
  // Some containers count from zero, some from the first packet: the longer reading is held to be what there is.
  const double held = end - std::min(0.0, input.start_seconds.value_or(0));
  if (const double declared = input.duration_seconds.value_or(0); declared - held > slack(declared))
    return make_error(Errc::kInvalid, cat("the input is cut short: it declares ", seconds_text(declared), " and holds ",
                                          seconds_text(held)));
  if (!input.format.starts_with("mov")) return {};
  for (const ProbedStream& stream : input.streams) {
    if (stream.is_attached_pic || (stream.type != "video" && stream.type != "audio")) continue;
    const double declared = stream.duration_seconds.value_or(0);
    const double span = stream.end_seconds.value_or(0) - std::min(0.0, stream.first_pts_seconds.value_or(0));
    if (declared - span > slack(declared))
      return make_error(Errc::kInvalid, cat("the input is cut short: its ", stream.type, " declares ",
                                            seconds_text(declared), " and holds ", seconds_text(span)));
  }
  return {};
}

// RGB is converted, so its tags go; a VP8 decoder knows none, and puts its own in place of the container's.
Colour expect_colour(const ProbedStream& video, bool copied) {
  if (!copied && video.codec == "vp8") return {};
  if (!copied && (video.colour.space == "gbr" || video.pixel_format.value_or("").find("rgb") != std::string::npos))
    return {};
  Colour out = video.colour;
  if (!copied) out.range.reset();
  return out;
}

void expect_picture(Expectation& out, const ProbedStream& video, const model::Parameters& p, std::string_view muxer) {
  const bool copied = p.codec == "copy";
  out.video_codec = copied ? video.codec : model::known_codec_family(p.codec);  // ffprobe's names
  out.pixel_format = copied ? video.pixel_format : std::string(model::stored_format(p.pixel_format));
  out.fps = p.fps;
  out.colour = expect_colour(video, copied);
  if (copied) out.rotation_degrees = holds_rotation(muxer) ? video.rotation_degrees : 0;
  if (p.width && p.height) {
    out.width = p.width;
    out.height = p.height;
  } else {
    const bool turned = !copied && std::abs(video.rotation_degrees) % 180 == 90;
    out.width = turned ? video.height : video.width;
    out.height = turned ? video.width : video.height;
    const bool even_only = !copied && out.pixel_format != "yuv444p";  // see engine/ffmpeg_args.cpp
    if (even_only && out.width) *out.width -= *out.width % 2;
    if (even_only && out.height) *out.height -= *out.height % 2;
  }
}

// The span of a stream that lies before `cut` (from the input's start).
double span_before(const ProbedStream& stream, double start, double end, double cut) {
  const double first = stream.first_pts_seconds.value_or(start);
  return std::max(0.0, std::min(end - start, cut) - std::max(0.0, first - start));
}

// Ends are measured at the start of the last picture: how long that one is shown is not kept by every container.
void expect_motion(Expectation& out, const ProbedStream& video, const model::Parameters& p, double start, double cut) {
  if (!video.first_pts_seconds || !video.last_pts_seconds || !video.packets) return;
  const double frame = video.fps ? 1 / *video.fps : 0;
  const double gap = video.largest_gap_seconds.value_or(0);
  const double last = *video.last_pts_seconds - start;
  const bool is_cut = last >= cut;
  out.max_gap_seconds = gap;
  if (p.fps && p.codec != "copy") {
    // A constant rate begins at the start of the media (a late first picture is repeated up to it), and shows the last
    // picture for as long as the one before it or not at all.
    out.video_seconds = std::min(last, cut - 1 / *p.fps);
    out.video_frames = std::llround(*p.fps * *out.video_seconds) + 1;
    out.spare_seconds = gap;
    out.spare_frames = std::llround(*p.fps * gap);
    return;
  }
  out.video_seconds = std::max(0.0, std::min(last, cut - frame) - std::max(0.0, *video.first_pts_seconds - start));
  if (!is_cut)
    out.video_frames = *video.packets;
  else if (gap < 3 * frame)
    out.video_frames = std::llround(*out.video_seconds / frame) + 1;
  if (is_cut) out.spare_seconds = gap;
}

// ffprobe's name of the audio codec that is made, see engine/ffmpeg_args.cpp.
std::string audio_made(const ProbedStream& audio, const model::Parameters& p, std::string_view muxer) {
  if (p.audio_codec == model::AudioCodec::kCopy) return audio.codec;
  if (p.audio_codec)
    return *p.audio_codec == model::AudioCodec::kOpus  ? "opus"
           : *p.audio_codec == model::AudioCodec::kMp3 ? "mp3"
                                                       : "aac";
  return muxer == "webm" || muxer == "ogg" ? "opus" : muxer == "mp3" ? "mp3" : "aac";
}

// Where ffmpeg's zero lies: at the first thing there is.
double start_of(const Probe& input) {
  double start = input.start_seconds.value_or(0);
  for (const ProbedStream& stream : input.streams)
    if (stream.type == "video" || stream.type == "audio")
      start = std::min(start, stream.first_pts_seconds.value_or(start));
  return start;
}

}  // namespace

Result<Expectation> expect_output(const Probe& input, const model::Parameters& parameters,
                                  const std::vector<std::string>& maps, const std::string& muxer) {
  FFRTMP_TRY(check_whole(input));
  Expectation out;
  out.changes = plan_changes(input, parameters, maps, muxer);
  // A cut leaves out the chapters behind it.
  if (!parameters.duration_seconds) out.chapters = holds_chapters(muxer) ? input.chapters : 0;
  const double cut = parameters.duration_seconds.value_or(std::numeric_limits<double>::infinity());
  const double start = start_of(input);
  double total = 0;
  bool timed = false;
  for (const std::string& map : maps) {
    const ProbedStream* const stream = mapped_stream(input, map);
    if (stream == nullptr) return make_error(Errc::kInvalid, cat("the input has no stream ", map));
    if (stream->type == "subtitle") ++out.subtitle_streams;
    if (stream->type != "video" && stream->type != "audio") continue;
    if (stream->packets == 0)
      return make_error(Errc::kInvalid, cat("the input's stream ", stream->index, " (", stream->type, ") is empty"));
    if (stream->type == "video" && out.video_streams++ == 0) {
      expect_picture(out, *stream, parameters, muxer);
      expect_motion(out, *stream, parameters, start, cut);
    }
    if (stream->type == "audio") {
      ++out.audio_streams;
      ExpectedAudio& audio = out.audio.emplace_back();
      audio.seconds = stream->end_seconds ? span_before(*stream, start, *stream->end_seconds, cut) : 0;
      audio.max_gap_seconds = stream->largest_gap_seconds.value_or(0);
      audio.codec = audio_made(*stream, parameters, muxer);
      if (stream->channels) audio.channels = channels_made(*stream->channels, parameters, muxer);
    }
    if (!stream->end_seconds) continue;
    timed = true;
    total = std::max(total, std::min(*stream->end_seconds - start, cut));
  }
  if (timed) out.total_seconds = total;
  return out;
}

}  // namespace ffrtmp::media
