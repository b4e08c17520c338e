#include "media/changes.h"

#include <cmath>

#include "base/text.h"
#include "model/frame_rate.h"
#include "model/media_names.h"

namespace ffrtmp::media {
namespace {

// Above this a pause between two pictures is longer than the usual one by more than rounding.
constexpr double kVaries = 1.5;

void plan_picture(Changes& out, const ProbedStream& video, const model::Parameters& p) {
  const std::string_view made = model::stored_format(p.pixel_format);
  if (video.rotation_degrees % 360 != 0)
    out.converted.push_back(cat("rotation: the picture is turned by ", video.rotation_degrees, " degrees"));
  if (video.is_interlaced)
    out.converted.push_back("interlace: the two fields of a frame are encoded as one progressive picture");
  if (video.pixel_format && *video.pixel_format != made)
    out.converted.push_back(cat("pixel format: ", *video.pixel_format, " to ", made));
  if (p.fps && video.largest_gap_seconds.value_or(0) > kVaries * video.usual_gap_seconds.value_or(INFINITY))
    out.converted.push_back(cat("variable frame rate: to a constant ", model::number_text(*p.fps)));
  if (video.skipped_packets > 0)
    out.converted.push_back(
        cat("edit list: carried out; the output has not the ", video.skipped_packets, " pictures that it skips"));
  if (video.codec == "vp8" && (video.colour.transfer || video.colour.primaries))
    out.left_out.push_back("colour tags: what is decoded from VP8 has none");
  if (video.has_hdr_metadata) out.left_out.push_back("HDR metadata (mastering display, light level): not encoded");
}

}  // namespace

bool holds_chapters(std::string_view muxer) {
  return muxer == "mp4" || muxer == "mov" || muxer == "matroska" || muxer == "webm" || muxer == "ogg" || muxer == "mp3";
}

bool holds_rotation(std::string_view muxer) { return muxer == "mp4" || muxer == "mov"; }

const ProbedStream* mapped_stream(const Probe& input, std::string_view map) {
  const auto index = parse_int(map.starts_with("0:") ? map.substr(2) : map);
  for (const ProbedStream& stream : input.streams)
    if (index && stream.index == *index) return &stream;
  return nullptr;
}

int channels_made(int channels, const model::Parameters& p, std::string_view muxer) {
  const bool is_mp3 = p.audio_codec ? *p.audio_codec == model::AudioCodec::kMp3 : muxer == "mp3";
  return is_mp3 ? std::min(channels, 2) : channels;
}

Changes plan_changes(const Probe& input, const model::Parameters& p, const std::vector<std::string>& maps,
                     const std::string& muxer) {
  Changes out;
  for (const std::string& map : maps) {
    const ProbedStream* const stream = mapped_stream(input, map);
    if (stream == nullptr) continue;
    if (stream->type == "video" && p.codec != "copy") plan_picture(out, *stream, p);
    if (stream->type == "video" && p.codec == "copy" && stream->rotation_degrees % 360 != 0 && !holds_rotation(muxer))
      out.left_out.push_back(cat("rotation by ", stream->rotation_degrees, " degrees: ", muxer, " cannot hold it"));
    const int channels = stream->channels.value_or(0);
    if (const int made = channels_made(channels, p, muxer); stream->type == "audio" && made != channels)
      out.converted.push_back(cat("stream ", stream->index, " (audio): ", channels, " channels to ", made));
  }
  if (input.chapters > 0 && !holds_chapters(muxer))
    out.left_out.push_back(cat(input.chapters, " chapters: ", muxer, " cannot hold them"));
  return out;
}

}  // namespace ffrtmp::media
