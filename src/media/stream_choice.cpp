#include "media/stream_choice.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace ffrtmp::media {
namespace {

struct Extension {
  std::string_view extension;
  std::string_view muxer;
};
constexpr std::array kExtensions{
    Extension{"mp4", "mp4"},      Extension{"m4v", "mp4"},      Extension{"m4a", "mp4"},   Extension{"mov", "mov"},
    Extension{"mkv", "matroska"}, Extension{"mka", "matroska"}, Extension{"webm", "webm"}, Extension{"ts", "mpegts"},
    Extension{"m2ts", "mpegts"},  Extension{"flv", "flv"},      Extension{"avi", "avi"},   Extension{"ogg", "ogg"},
    Extension{"mp3", "mp3"},      Extension{"m3u8", "hls"},
};

bool is_text(std::string_view codec) {
  return codec == "subrip" || codec == "srt" || codec == "ass" || codec == "ssa" || codec == "mov_text" ||
         codec == "webvtt" || codec == "text";
}

// How the muxer takes a subtitle stream of that codec; empty: not at all.
std::string subtitle_encoder(std::string_view codec, std::string_view muxer) {
  if (muxer == "matroska") return codec == "mov_text" || codec == "text" ? "subrip" : codec == "eia_608" ? "" : "copy";
  if (muxer == "mp4" || muxer == "mov") return codec == "mov_text" ? "copy" : is_text(codec) ? "mov_text" : "";
  if (muxer == "webm") return codec == "webvtt" ? "copy" : is_text(codec) ? "webvtt" : "";
  if (muxer == "mpegts") return codec == "dvb_subtitle" ? "copy" : "";
  return {};
}

bool holds_video(std::string_view muxer) { return muxer != "mp3"; }
bool holds_several(std::string_view muxer) { return muxer != "flv" && muxer != "mp3"; }

// One stream of the input: kept, or left out with a reason; not decided yet while both are empty.
struct Fate {
  const ProbedStream* stream;
  bool keep = false;
  std::string left_out;
};

std::string described(const ProbedStream& stream) {
  return cat("stream ", stream.index, " (", stream.type, ", ", stream.codec.empty() ? "unknown" : stream.codec, ")");
}

// Why a stream cannot be in any output of this muxer.
std::string cannot_hold(const ProbedStream& stream, const model::Parameters& p, std::string_view muxer) {
  if (stream.type == "video" && stream.is_attached_pic) return "a cover picture";
  if (stream.type == "video" && !holds_video(muxer)) return cat(muxer, " cannot hold it");
  if (stream.type == "audio" && p.audio_codec == model::AudioCodec::kNone) return "audio_codec is none";
  if (stream.type == "subtitle" && subtitle_encoder(stream.codec, muxer).empty()) return cat(muxer, " cannot hold it");
  if (stream.type != "video" && stream.type != "audio" && stream.type != "subtitle")
    return "neither picture, sound nor subtitle";
  return {};
}

const ProbedStream* best_video(const std::vector<Fate>& fates) {
  const ProbedStream* best = nullptr;
  const auto area = [](const ProbedStream& s) { return std::int64_t{s.width.value_or(0)} * s.height.value_or(0); };
  for (const Fate& fate : fates)
    if (fate.stream->type == "video" && fate.left_out.empty() && (best == nullptr || area(*fate.stream) > area(*best)))
      best = fate.stream;
  return best;
}

void keep_default(std::vector<Fate>& fates) {
  const ProbedStream* const best = best_video(fates);
  for (Fate& fate : fates) {
    if (!fate.left_out.empty()) continue;
    fate.keep = fate.stream->type != "video" || fate.stream == best;
    if (!fate.keep) fate.left_out = "not the best video; ask for it with streams";
  }
}

// "2", "v", "V", "a:1", "s:m:language:eng" (parameters_rules.cpp has checked the syntax).
bool matches(std::string_view specifier, const ProbedStream& stream, int nth_of_type) {
  const auto parts = split(specifier, ':');
  if (const auto index = parse_int(parts[0])) return stream.index == *index;
  const std::string_view kind = parts[0];
  const char first = stream.type.empty() ? '?' : stream.type.front();
  if (kind != std::string_view(&first, 1) && !(kind == "V" && first == 'v')) return false;
  if (parts.size() == 1) return true;
  if (parts.size() == 2) return parse_int(parts[1]) == nth_of_type;
  return parts.size() == 4 && parts[2] == "language" && stream.language == parts[3];
}

Status keep_specified(std::vector<Fate>& fates, const std::vector<std::string>& specifiers) {
  for (const std::string& specifier : specifiers) {
    bool any = false;
    std::array<int, 128> seen{};  // streams of a type so far, by its first letter
    for (Fate& fate : fates) {
      if (specifier.starts_with('V') && fate.stream->is_attached_pic) continue;  // not counted either
      const auto letter = static_cast<std::size_t>(fate.stream->type.empty() ? '?' : fate.stream->type.front()) & 127;
      if (!matches(specifier, *fate.stream, seen[letter]++)) continue;
      any = true;
      if (!fate.left_out.empty())
        return make_error(Errc::kInvalid, cat("streams: ", described(*fate.stream), ": ", fate.left_out));
      fate.keep = true;
    }
    if (!any) return make_error(Errc::kInvalid, cat("streams: \"", specifier, "\" matches no stream of the input"));
  }
  for (Fate& fate : fates)
    if (!fate.keep && fate.left_out.empty()) fate.left_out = "not asked for";
  return {};
}

// Leaves out all but the first of each type, where the container has one place only.
Status keep_one_of_each(std::vector<Fate>& fates, const std::string& muxer, bool may_leave_out) {
  for (const std::string_view type : {"video", "audio"}) {
    bool any = false;
    for (Fate& fate : fates) {
      if (!fate.keep || fate.stream->type != type || !std::exchange(any, true)) continue;
      if (!may_leave_out)
        return make_error(Errc::kInvalid, cat("streams: ", described(*fate.stream), ": ", muxer, " holds one ", type));
      fate.keep = false;
      fate.left_out = cat(muxer, " cannot hold a second one");
    }
  }
  return {};
}

void append_kept(StreamChoice& out, const std::vector<Fate>& fates, std::string_view type, std::string_view muxer) {
  for (const Fate& fate : fates) {
    if (!fate.keep || fate.stream->type != type) continue;
    out.maps.push_back(cat("0:", fate.stream->index));
    if (type == "video") ++out.video_streams;
    if (type == "audio") ++out.audio_streams;
    if (type == "subtitle") out.subtitle_encoders.push_back(subtitle_encoder(fate.stream->codec, muxer));
  }
}

}  // namespace

Result<StreamChoice> choose_streams(const Probe& input, const model::Parameters& parameters, const std::string& muxer) {
  std::vector<Fate> fates;
  for (const ProbedStream& stream : input.streams)
    fates.push_back({&stream, false, cannot_hold(stream, parameters, muxer)});
  if (parameters.streams.empty() || parameters.streams.front() == "default") {
    keep_default(fates);
  } else if (parameters.streams.front() == "all") {
    for (Fate& fate : fates) fate.keep = fate.left_out.empty();
  } else {
    FFRTMP_TRY(keep_specified(fates, parameters.streams));
  }
  const bool is_listed =
      !parameters.streams.empty() && parameters.streams.front() != "default" && parameters.streams.front() != "all";
  if (!holds_several(muxer)) FFRTMP_TRY(keep_one_of_each(fates, muxer, !is_listed));
  StreamChoice out;
  for (const std::string_view type : {"video", "audio", "subtitle"}) append_kept(out, fates, type, muxer);
  for (const Fate& fate : fates)
    if (!fate.keep) out.left_out.push_back(cat(described(*fate.stream), ": ", fate.left_out));
  if (out.video_streams + out.audio_streams == 0)
    return make_error(Errc::kInvalid, "the input has no video or audio to keep");
  return out;
}

Result<std::string> muxer_for(const std::string& path) {
  const std::size_t dot = path.find_last_of("./");
  const std::string extension =
      dot == std::string::npos || path[dot] == '/' ? "" : to_lower(std::string_view(path).substr(dot + 1));
  for (const Extension& row : kExtensions)
    if (row.extension == extension) return std::string(row.muxer);
  std::vector<std::string> names;
  for (const Extension& row : kExtensions) names.emplace_back(row.extension);
  return field_error("parameters.output",
                     cat("no known container for \".", escape(extension), "\"; known are ", join(names, ", ")));
}

std::string default_extension(const model::Parameters& parameters) {
  if (parameters.output_mode == model::OutputMode::kHls) return "m3u8";
  if (!parameters.codec.starts_with("vp") && !parameters.codec.starts_with("libvpx")) return "mp4";
  // WebM holds no other sound.
  const auto sound = parameters.audio_codec.value_or(model::AudioCodec::kOpus);
  return sound == model::AudioCodec::kOpus || sound == model::AudioCodec::kNone ? "webm" : "mkv";
}

}  // namespace ffrtmp::media
