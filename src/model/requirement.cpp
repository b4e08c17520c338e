#include "model/requirement.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/carriage.h"
#include "model/live_url.h"

namespace ffrtmp::model {
namespace {

// Names of codecs, as opposed to names of encoders; both spellings of H.265 are one.
std::string codec_key(std::string_view name) {
  const std::string lower = to_lower(name);
  return lower == "hevc" ? "h265" : lower;
}

bool is_codec(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kCodecs{"h264", "h265", "av1", "vp8", "vp9"};
  return std::find(kCodecs.begin(), kCodecs.end(), name) != kCodecs.end();
}

// What distinguishes an acceleration's encoders; empty for kAuto and kNone.
std::string_view encoder_suffix(HwAccel hwaccel) {
  switch (hwaccel) {
    case HwAccel::kCuda:
      return "_nvenc";
    case HwAccel::kQsv:
      return "_qsv";
    case HwAccel::kVaapi:
      return "_vaapi";
    default:
      return {};
  }
}

bool names_it(const Encoder& encoder, std::string_view wanted) {
  return is_codec(wanted) ? codec_key(encoder.codec) == wanted : encoder.name == wanted;
}

bool fits_hwaccel(const Encoder& encoder, HwAccel hwaccel) {
  if (hwaccel == HwAccel::kAuto) return true;
  if (hwaccel == HwAccel::kNone) return !encoder.hardware;
  return encoder.hardware && encoder.name.ends_with(encoder_suffix(hwaccel));
}

bool fits_pixels(const Encoder& encoder, std::string_view pixel_format) {
  return encoder.pix_fmts.empty() || pixel_format.empty() ||
         std::find(encoder.pix_fmts.begin(), encoder.pix_fmts.end(), pixel_format) != encoder.pix_fmts.end();
}

std::optional<std::string> encoder_reason(const Requirement& need, const NodeFacts& node) {
  if (need.codec == "copy") return {};
  bool named = false;
  bool accelerated = false;
  for (const Encoder& encoder : node.encoders) {
    if (!encoder.usable || !names_it(encoder, need.codec)) continue;
    named = true;
    if (!fits_hwaccel(encoder, need.hwaccel)) continue;
    accelerated = true;
    if (fits_pixels(encoder, need.pixel_format)) return {};
  }
  if (!named) return cat("no encoder ", need.codec);
  if (accelerated) return cat("no encoder ", need.codec, " with pixel format ", need.pixel_format);
  if (need.hwaccel == HwAccel::kNone) return cat("no software encoder ", need.codec);
  return cat("no encoder ", need.codec, encoder_suffix(need.hwaccel));
}

std::optional<std::string> engine_reason(const Requirement& need, const NodeFacts& node) {
  if (need.engine == Engine::kFfmpeg && !node.engines.contains("ffmpeg")) return "no engine ffmpeg";
  if (need.engine == Engine::kGstreamer && !node.engines.contains("gstreamer")) return "no engine gstreamer";
  return {};
}

std::optional<std::string> outlet_reason(const Requirement& need, const NodeFacts& node) {
  const auto ffmpeg = node.engines.find("ffmpeg");
  const std::string version = ffmpeg == node.engines.end() ? std::string() : ffmpeg->second;
  if (needs_enhanced_rtmp(need.protocol, need.codec) && !has_enhanced_rtmp(version))
    return cat("ffmpeg ", version, " cannot send ", need.codec, " over RTMP, 6.1 can");
  if (!need.outlet) return {};
  const auto url = parse_live_url(*need.outlet);
  if (url && is_listed(*url, node.roots)) return {};
  return cat("no permission to send to ", *need.outlet, " (--allow-output)");
}

// The host that a worker must have listed.
std::optional<std::string> listed_outlet(const Parameters& effective) {
  const auto text = live_url_of(effective);
  if (!text) return std::nullopt;
  const auto url = parse_live_url(*text);
  if (!url || !needs_listing(*url)) return std::nullopt;
  return outlet_of(*url);
}

}  // namespace

Requirement requirement_of(const JobSpec& spec, const Parameters& effective) {
  Requirement need;
  // An encoder's name keeps its spelling: it is compared with what the node announced.
  const std::string key = codec_key(effective.codec);
  need.codec = is_codec(key) || key == "copy" ? key : effective.codec;
  // What may fall back needs only what it would fall back to.
  const bool gstreamer_or_ffmpeg = spec.engine == Engine::kGstreamer && effective.allow_fallback;
  need.engine = gstreamer_or_ffmpeg ? Engine::kAuto : spec.engine;
  const bool named_hwaccel = !encoder_suffix(effective.hwaccel).empty();
  need.hwaccel = named_hwaccel && effective.allow_fallback ? HwAccel::kAuto : effective.hwaccel;
  if (need.codec == "copy")
    need.hwaccel = HwAccel::kAuto;
  else
    need.pixel_format = effective.pixel_format;
  need.protocol = protocol_of(effective);
  need.outlet = listed_outlet(effective);
  need.min_threads = spec.constraints.min_threads;
  need.min_ram_mb = spec.constraints.min_ram_mb;
  need.labels = spec.constraints.labels;
  need.node_id = spec.constraints.node_id;
  return need;
}

std::optional<std::string> unfit_reason(const Requirement& need, const Uuid& node_id, const NodeFacts& node) {
  if (need.node_id && *need.node_id != node_id) return cat("not node ", need.node_id->str());
  if (auto reason = encoder_reason(need, node)) return reason;
  if (auto reason = engine_reason(need, node)) return reason;
  if (auto reason = outlet_reason(need, node)) return reason;
  if (need.min_threads && node.cpu_threads < *need.min_threads)
    return cat(node.cpu_threads, " threads of ", *need.min_threads);
  if (need.min_ram_mb && node.ram_total_bytes / (1024 * 1024) < *need.min_ram_mb)
    return cat(node.ram_total_bytes / (1024 * 1024), " MiB of RAM of ", *need.min_ram_mb);
  for (const auto& [key, value] : need.labels) {
    const auto found = node.labels.find(key);
    if (found == node.labels.end() || found->second != value) return cat("no label ", key, "=", value);
  }
  return {};
}

}  // namespace ffrtmp::model
