#include "model/encoder_hardware.h"

#include "base/text.h"

namespace ffrtmp::model {
namespace {

// The twin of a planar format that hardware stores.
std::string_view semi_planar(std::string_view format) {
  return format == "yuv420p" ? "nv12" : format == "yuv420p10le" ? "p010le" : format;
}

}  // namespace

EncoderApi api_of(std::string_view encoder) {
  if (encoder.ends_with("_nvenc")) return EncoderApi::kNvenc;
  if (encoder.ends_with("_qsv")) return EncoderApi::kQsv;
  if (encoder.ends_with("_vaapi")) return EncoderApi::kVaapi;
  return EncoderApi::kSoftware;
}

std::vector<std::string> open_device_options(EncoderApi api, const std::optional<std::string>& device) {
  if (!device || (api != EncoderApi::kVaapi && api != EncoderApi::kQsv)) return {};
  std::vector<std::string> out{"-init_hw_device", cat("vaapi=va:", *device)};
  // Derived, so that it is the same device: on its own, Quick Sync takes the first one it finds.
  if (api == EncoderApi::kQsv) out.insert(out.end(), {"-init_hw_device", "qsv=qs@va"});
  out.insert(out.end(), {"-filter_hw_device", api == EncoderApi::kQsv ? "qs" : "va"});
  return out;
}

std::string upload_filter(EncoderApi api, std::string_view pixel_format) {
  switch (api) {
    case EncoderApi::kSoftware: return cat("format=", pixel_format);
    case EncoderApi::kNvenc: return cat("format=", pixel_format == "yuv420p10le" ? "p010le" : pixel_format);
    case EncoderApi::kVaapi: return cat("format=", semi_planar(pixel_format), ",hwupload");
    // The encoder holds pictures back; without spare surfaces it waits for itself.
    case EncoderApi::kQsv: return cat("format=", semi_planar(pixel_format), ",hwupload=extra_hw_frames=64");
  }
  return {};
}

std::vector<std::string> choose_device_options(EncoderApi api, const std::optional<std::string>& device) {
  if (api != EncoderApi::kNvenc || !device) return {};
  return {"-gpu", *device};
}

}  // namespace ffrtmp::model
