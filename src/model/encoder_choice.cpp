#include "model/encoder_choice.h"

#include "base/text.h"

namespace ffrtmp::model {

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
