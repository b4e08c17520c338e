#include "model/limits.h"

#include "base/text.h"

namespace ffrtmp::model {

Result<DeviceLimit> parse_io_max(std::string_view text) {
  const auto words = split(trim(text), ' ');
  DeviceLimit line;
  line.device = words.front();
  const auto numbers = split(words.front(), ':');
  if (numbers.size() != 2 || !parse_int(numbers[0]) || !parse_int(numbers[1]) || words.size() < 2)
    return make_error(Errc::kInvalid, "must be \"MAJ:MIN rbps=N wbps=N riops=N wiops=N\"");
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].empty()) continue;
    const auto equals = words[i].find('=');
    const std::string_view key = words[i].substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : words[i].substr(equals + 1);
    auto* place = key == "rbps"    ? &line.read_bps
                  : key == "wbps"  ? &line.write_bps
                  : key == "riops" ? &line.read_iops
                  : key == "wiops" ? &line.write_iops
                                   : nullptr;
    if (place == nullptr) return make_error(Errc::kInvalid, cat("has no key \"", escape(key), "\""));
    if (value == "max") continue;
    const auto number = parse_int(value);
    if (!number || *number <= 0) return make_error(Errc::kInvalid, cat(key, " must be a number above 0 or max"));
    *place = *number;
  }
  return line;
}

}  // namespace ffrtmp::model
