#include <algorithm>

#include "base/text.h"
#include "engine/engine.h"

namespace ffrtmp::engine {
namespace {

std::string_view codec_of(std::string_view asked) { return asked == "h265" ? std::string_view("hevc") : asked; }

// Why this one does not do, or nothing.
std::optional<std::string> unfit(const model::Encoder& encoder, const model::Parameters& p) {
  using model::HwAccel;
  if (!encoder.usable) return encoder.reason.value_or("not usable");
  if (p.hwaccel == HwAccel::kNone && encoder.hardware) return "hwaccel none asks for software";
  const auto needs = [&](HwAccel kind, std::string_view suffix) {
    return p.hwaccel == kind && !encoder.name.ends_with(suffix);
  };
  if (needs(HwAccel::kCuda, "_nvenc") || needs(HwAccel::kQsv, "_qsv") || needs(HwAccel::kVaapi, "_vaapi"))
    return "not of the hardware asked for";
  if (!encoder.pix_fmts.empty() &&
      std::find(encoder.pix_fmts.begin(), encoder.pix_fmts.end(), p.pixel_format) == encoder.pix_fmts.end())
    return cat("cannot encode ", p.pixel_format);
  return std::nullopt;
}

}  // namespace

Result<ChosenEncoder> choose_encoder(const model::Parameters& parameters, const std::vector<model::Encoder>& encoders) {
  if (parameters.codec == "copy") return ChosenEncoder{"copy", {}, false};
  std::vector<std::string> reasons;
  for (const model::Encoder& encoder : encoders) {
    if (encoder.name != parameters.codec && encoder.codec != codec_of(parameters.codec)) continue;
    const auto reason = unfit(encoder, parameters);
    if (!reason) return ChosenEncoder{encoder.name, encoder.device, encoder.hardware};
    reasons.push_back(cat(encoder.name, ": ", *reason));
  }
  if (parameters.allow_fallback && parameters.hwaccel != model::HwAccel::kAuto &&
      parameters.hwaccel != model::HwAccel::kNone) {
    model::Parameters anything = parameters;
    anything.hwaccel = model::HwAccel::kAuto;
    return choose_encoder(anything, encoders);
  }
  return make_error(Errc::kUnsupported, cat("no usable encoder for ", parameters.codec,
                                            reasons.empty() ? "" : cat(" (", join(reasons, "; "), ")")));
}

}  // namespace ffrtmp::engine
