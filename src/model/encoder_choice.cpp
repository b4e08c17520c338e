#include "model/encoder_choice.h"

#include <algorithm>

#include "base/text.h"
#include "model/encoder_hardware.h"

namespace ffrtmp::model {
namespace {

std::string_view codec_of(std::string_view asked) { return asked == "h265" ? std::string_view("hevc") : asked; }

// Why this one does not do, or nothing.
std::optional<std::string> unfit(const Encoder& encoder, const Parameters& p) {
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

Result<ChosenEncoder> choose_encoder(const Parameters& parameters, const std::vector<Encoder>& encoders) {
  if (parameters.codec == "copy") return ChosenEncoder{"copy", {}, false};
  std::vector<std::string> reasons;
  for (const Encoder& encoder : encoders) {
    if (encoder.name != parameters.codec && encoder.codec != codec_of(parameters.codec)) continue;
    const auto reason = unfit(encoder, parameters);
    if (!reason) return ChosenEncoder{encoder.name, encoder.device, encoder.hardware, session_device(encoder)};
    reasons.push_back(cat(encoder.name, ": ", *reason));
  }
  if (parameters.allow_fallback && parameters.hwaccel != HwAccel::kAuto && parameters.hwaccel != HwAccel::kNone) {
    Parameters anything = parameters;
    anything.hwaccel = HwAccel::kAuto;
    return choose_encoder(anything, encoders);
  }
  return make_error(Errc::kUnsupported, cat("no usable encoder for ", parameters.codec,
                                            reasons.empty() ? "" : cat(" (", join(reasons, "; "), ")")));
}

std::string device_of(const Encoder& encoder) {
  // A render node is one device to VAAPI and Quick Sync; NVENC counts devices of its own.
  const std::string device = encoder.device.value_or("0");
  return api_of(encoder.name) == EncoderApi::kNvenc ? cat("nvidia ", device) : device;
}

std::optional<std::string> session_device(const Encoder& encoder) {
  if (!encoder.hardware || !encoder.sessions) return std::nullopt;
  return device_of(encoder);
}

bool has_bounded_sessions(const std::vector<Encoder>& encoders) {
  return std::any_of(encoders.begin(), encoders.end(),
                     [](const Encoder& encoder) { return session_device(encoder).has_value(); });
}

std::vector<Encoder> within_sessions(std::vector<Encoder> encoders,
                                     const std::function<bool(const std::string&, int)>& has_session) {
  std::erase_if(encoders, [&](const Encoder& encoder) {
    const auto device = session_device(encoder);
    return device && !has_session(*device, *encoder.sessions);
  });
  return encoders;
}

std::string explain_choice(std::string_view codec, const std::vector<Encoder>& encoders) {
  std::vector<std::string> unavailable;
  for (const Encoder& encoder : encoders) {
    if (encoder.codec != codec) continue;
    const std::string on = encoder.device ? cat(" on ", *encoder.device) : std::string();
    if (!encoder.usable) {
      if (encoder.hardware) unavailable.push_back(cat(encoder.name, on, " (", encoder.reason.value_or("?"), ")"));
      continue;
    }
    if (encoder.hardware) return cat("Using hardware encoder ", encoder.name, on);
    return cat("Using software encoder ", encoder.name, unavailable.empty() ? "" : " - hardware encoders unavailable: ",
               join(unavailable, ", "));
  }
  return cat("No usable encoder for ", codec);
}

}  // namespace ffrtmp::model
