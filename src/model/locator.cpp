#include "model/locator.h"

#include <algorithm>

#include "base/text.h"
#include "model/live_url.h"

namespace ffrtmp::model {
namespace {

constexpr std::size_t kMaxPath = 4096;  // PATH_MAX of linux/limits.h

Error wrong(std::string message) { return make_error(Errc::kInvalid, std::move(message)); }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool in_scheme(char c) {  // also ',' as in "subfile,,start,0,:"
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
         c == '.' || c == '_' || c == ',';
}

// "http" of "http://host/x", "concat" of "concat:a|b"; empty for a path.
std::string_view scheme_of(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), in_scheme);
  if (end == text.end() || *end != ':' || end == text.begin()) return {};
  const std::string_view scheme(text.begin(), end);
  return scheme.substr(0, scheme.find(','));
}

Status check_part(std::string_view part) {
  if (part == "..") return wrong("must not contain \"..\"");
  if (part.empty() || part == ".") return wrong("must not have empty or \".\" parts");
  if (part.starts_with('-')) return wrong("must not have a part that begins with '-'");
  return {};
}

Status check_live_url(std::string_view text, std::initializer_list<std::string_view> schemes) {
  const std::string scheme = to_lower(scheme_of(text));
  if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) {
    std::string names;
    for (const auto name : schemes) names += cat(names.empty() ? "" : ", ", name, "://");
    return wrong(cat("must begin with one of: ", names));
  }
  FFRTMP_ASSIGN(const LiveUrl url, parse_live_url(text));
  const bool is_rtmp = url.scheme == "rtmp" || url.scheme == "rtmps";
  if (is_rtmp && url.path.find_first_not_of('/') == std::string::npos) return wrong("names no application, as in /live");
  return {};
}

// The playlist is what a player is given: its name tells what it is.
Status check_file(std::string_view output, OutputMode mode) {
  const std::string scheme = to_lower(scheme_of(output));
  if (scheme == "rtmp" || scheme == "rtmps" || scheme == "srt" || scheme == "udp") {
    const bool is_rtmp = scheme.starts_with("rtmp");
    return wrong(cat(scheme, ":// needs output_mode stream", is_rtmp ? " or rtmp" : ""));
  }
  FFRTMP_TRY(check_path(output));
  const bool is_playlist = to_lower(output).ends_with(".m3u8");
  if (mode == OutputMode::kFile) return is_playlist ? wrong("a .m3u8 needs output_mode hls") : Status();
  if (!is_playlist) return wrong("must end in .m3u8 with output_mode hls");
  if (output.find_first_of("#?%") != std::string_view::npos)
    return wrong("must not contain '#', '?' or '%' with output_mode hls: players read them as parts of a URL");
  return {};
}

}  // namespace

Status check_path(std::string_view path) {
  if (path.empty()) return wrong("must not be empty");
  if (path.size() >= kMaxPath) return wrong("is too long");
  if (std::any_of(path.begin(), path.end(), is_control)) return wrong("must not contain control characters");
  if (path.front() == '-') return wrong("must not begin with '-'");
  if (const auto scheme = scheme_of(path); !scheme.empty())
    return wrong(cat("protocol \"", scheme, ":\" is not allowed, give an absolute path"));
  if (path.front() != '/') return wrong("must be an absolute path");
  if (path.back() == '/') return wrong("must name a file");
  for (const std::string_view part : split(path.substr(1), '/')) FFRTMP_TRY(check_part(part));
  return {};
}

std::optional<std::string_view> relative_to(std::string_view path, std::string_view root) {
  if (!root.starts_with('/')) return std::nullopt;
  while (root.ends_with('/')) root.remove_suffix(1);
  if (!path.starts_with(root) || path.size() < root.size() + 2 || path[root.size()] != '/') return std::nullopt;
  return path.substr(root.size() + 1);
}

Status check_input(std::string_view input) { return check_path(input); }

Status check_output(std::string_view output, OutputMode mode) {
  if (mode == OutputMode::kRtmp) return check_live_url(output, {"rtmp", "rtmps"});
  if (mode == OutputMode::kStream) return check_live_url(output, {"rtmp", "rtmps", "srt", "udp"});
  return check_file(output, mode);
}

Status check_rtmp_url(std::string_view url) { return check_live_url(url, {"rtmp", "rtmps"}); }

}  // namespace ffrtmp::model
