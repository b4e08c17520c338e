// Scenario names: "<height>p<fps>-<codec>" and extra parts, in any case.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "model/media_names.h"
#include "model/spec_rules.h"

namespace ffrtmp::model {
namespace {

constexpr int kMinHeight = 144;
constexpr int kMaxHeight = 4320;
constexpr double kMaxFps = 300;
constexpr int kMaxCrf = 63;

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The even number nearest to 16/9 of the height: 480 -> 854.
int width_of(int height) { return 2 * static_cast<int>(std::lround(height * 8.0 / 9.0)); }

// "1080" of "1080p60", "2160" of "4k60"; `rest` gets what follows.
std::optional<int> read_height(std::string_view part, std::string_view& rest) {
  const std::size_t digits = std::min(part.find_first_not_of("0123456789"), part.size());
  if (digits == 0 || digits == part.size() || digits > 4) return std::nullopt;
  const auto number = parse_int(part.substr(0, digits));
  rest = part.substr(digits + 1);
  if (part[digits] == 'p') return static_cast<int>(*number);
  if (part[digits] != 'k') return std::nullopt;
  if (rest.starts_with('p')) rest.remove_prefix(1);
  switch (*number) {
    case 2:
      return 1440;
    case 4:
      return 2160;
    case 8:
      return 4320;
    default:
      return std::nullopt;
  }
}

std::optional<double> read_fps(std::string_view text) {
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  const auto fps = parse_number(text);
  if (!fps || *fps <= 0 || *fps > kMaxFps) return std::nullopt;
  return fps;
}

// The first part decides whether the name is a scenario at all.
bool read_size(std::string_view part, ScenarioParsed& out) {
  std::string_view rest;
  const auto height = read_height(part, rest);
  if (!height || *height < kMinHeight || *height > kMaxHeight || *height % 2 != 0) return false;
  if (!rest.empty()) {
    out.fps = read_fps(rest);
    if (!out.fps) return false;
  }
  out.height = height;
  out.width = width_of(*height);
  return true;
}

std::optional<int> read_crf(std::string_view part) {
  if (!part.starts_with("crf") || !is_digits(part.substr(3))) return std::nullopt;
  const auto crf = parse_int(part.substr(3));
  if (!crf || *crf > kMaxCrf) return std::nullopt;
  return static_cast<int>(*crf);
}

// Whether the part was understood; the second of a kind is not.
bool read_extra(std::string_view part, ScenarioParsed& out) {
  if (is_codec_name(part) && !out.codec) {
    out.codec = std::string(part);
  } else if (part == "10bit" && !out.pixel_format) {
    out.pixel_format = "yuv420p10le";
  } else if (part == "444" && !out.pixel_format) {
    out.pixel_format = "yuv444p";
  } else if (const auto crf = read_crf(part); crf && !out.crf) {
    out.crf = crf;
  } else if (part != "auto" && is_preset(part) && !out.preset) {
    out.preset = std::string(part);
  } else {
    return false;
  }
  return true;
}

}  // namespace

ScenarioParsed parse_scenario(std::string_view name) {
  ScenarioParsed out;
  const std::string lower = to_lower(name);
  const auto parts = split(lower, '-');
  if (!read_size(parts.front(), out)) return {};
  for (std::size_t i = 1; i < parts.size(); ++i)
    if (!read_extra(parts[i], out)) out.ignored.emplace_back(parts[i]);
  return out;
}

}  // namespace ffrtmp::model
