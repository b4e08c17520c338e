#include "media/gstreamer.h"

#include <algorithm>

#include "base/text.h"
#include "model/ffmpeg_words.h"

namespace ffrtmp::media {
namespace {

// A first start scans all plug-ins, which takes seconds on a busy machine; the trial itself is not to wait for it.
constexpr std::chrono::milliseconds kScanTimeout{30'000};
constexpr std::chrono::milliseconds kTrialTimeout{5'000};
constexpr std::size_t kDetailBytes = 2048;

std::string missing_text(const std::string& program) {
  return program.find('/') != std::string::npos ? cat("gst-launch-1.0 not found: ", program)
                                                : cat(program, " not found in PATH");
}

// The word between `before` and `after`, or nothing.
std::string between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + before.size());
  return std::string(rest.substr(0, rest.find(after)));
}

}  // namespace

std::vector<std::string> gstreamer_trial(const std::string& program) {
  return {program,
          "-q",
          "videotestsrc",
          "num-buffers=8",
          "!",
          "video/x-raw,width=640,height=360,framerate=30/1",
          "!",
          "videorate",
          "!",
          "videoscale",
          "!",
          "videoconvert",
          "!",
          "x264enc",
          "!",
          "h264parse",
          "!",
          "fakesink"};
}

std::string gstreamer_failure(int exit_code, std::string_view stderr_tail) {
  if (const std::string element = between(stderr_tail, "no element \"", "\""); !element.empty())
    return cat("element ", element, " is missing", element == "x264enc" ? " (plug-ins \"ugly\")" : "");
  if (stderr_tail.find("cannot open shared object file") != std::string_view::npos)
    return "required library not available";
  return cat("pipeline test failed: exit ", exit_code);
}

std::string parse_gstreamer_version(std::string_view text) { return between(text, "version ", "\n"); }

std::vector<std::string> parse_gstreamer_elements(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view line : split(text, '\n')) {
    const auto words = split(line, ':');
    if (words.size() < 3) continue;
    const std::string_view element = trim(words[1]);
    const auto& wanted = model::kGstreamerElements;
    if (std::find(wanted.begin(), wanted.end(), element) != wanted.end()) out.emplace_back(element);
  }
  return out;
}

std::string gst_inspect_of(const std::string& program) {
  constexpr std::string_view kLaunch = "gst-launch";
  std::string out = program;
  if (const std::size_t at = out.rfind(kLaunch); at != std::string::npos)
    out.replace(at, kLaunch.size(), "gst-inspect");
  return out;
}

model::Gstreamer detect_gstreamer(const std::string& program, const RunTool& run) {
  model::Gstreamer out;
  const auto version = run({program, "--version"}, kScanTimeout);
  if (!version) {
    out.reason = version.error().code == Errc::kGone ? missing_text(program) : version.error().message;
    return out;
  }
  out.version = parse_gstreamer_version(version->out);
  if (const auto list = run({gst_inspect_of(program)}, kScanTimeout))
    out.elements = parse_gstreamer_elements(list->out);
  const auto trial = run(gstreamer_trial(program), kTrialTimeout);
  if (!trial) {
    out.reason =
        trial.error().code == Errc::kTimeout ? "validation timeout (pipeline may be hung)" : trial.error().message;
    return out;
  }
  out.usable = trial->exit_code == 0;
  if (out.usable) return out;
  out.reason = gstreamer_failure(trial->exit_code, trial->err);
  const std::size_t from = trial->err.size() - std::min(trial->err.size(), kDetailBytes);
  if (from < trial->err.size()) out.detail = model::without_addresses(trial->err.substr(from));
  return out;
}

}  // namespace ffrtmp::media
