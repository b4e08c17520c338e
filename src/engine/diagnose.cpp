// The words by which ffmpeg and GStreamer say what went wrong, in the order in which they decide. Captured from ffmpeg 5.1
// and GStreamer 1.22.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "engine/engine.h"
#include "model/ffmpeg_words.h"

namespace ffrtmp::engine {
namespace {

using model::FailureReason;

struct Pattern {
  std::string_view text;
  FailureReason reason;
};

// The first pattern of the list that any line holds decides, so a cause stands before its consequences
// ("No space left" before "Could not write header").
constexpr std::array kPatterns{
    Pattern{"No space left on device", FailureReason::kPlatformError},
    Pattern{"No space left on the resource", FailureReason::kPlatformError},
    Pattern{"Disk quota exceeded", FailureReason::kPlatformError},
    Pattern{"Read-only file system", FailureReason::kPlatformError},
    Pattern{"Too many open files", FailureReason::kPlatformError},
    Pattern{"error while loading shared libraries", FailureReason::kPlatformError},
    Pattern{"Cannot load lib", FailureReason::kPlatformError},
    Pattern{"No capable devices found", FailureReason::kPlatformError},
    Pattern{"Device creation failed", FailureReason::kPlatformError},
    Pattern{"Cannot allocate memory", FailureReason::kResourceError},
    Pattern{"std::bad_alloc", FailureReason::kResourceError},
    // The node tried its encoders before it offered them: one that is missing now has gone.
    Pattern{"Unknown encoder", FailureReason::kPlatformError},
    Pattern{"no element \"", FailureReason::kPlatformError},
    Pattern{"installation is missing a plug-in", FailureReason::kPlatformError},
    Pattern{"\" for writing.", FailureReason::kPlatformError},  // of the staged file: the worker looked at its place
    Pattern{"Connection refused", FailureReason::kNetworkError},
    Pattern{"Connection reset", FailureReason::kNetworkError},
    Pattern{"Connection timed out", FailureReason::kNetworkError},
    Pattern{"Operation timed out", FailureReason::kNetworkError},
    Pattern{"Network is unreachable", FailureReason::kNetworkError},
    Pattern{"No route to host", FailureReason::kNetworkError},
    Pattern{"Failed to resolve hostname", FailureReason::kNetworkError},
    Pattern{"Error resolving", FailureReason::kNetworkError},
    Pattern{"rtmp2sink0: Failed to connect", FailureReason::kNetworkError},
    Pattern{"connection closed remotely", FailureReason::kNetworkError},
    Pattern{"Broken pipe", FailureReason::kNetworkError},
    Pattern{"Server returned", FailureReason::kNetworkError},
    Pattern{"Server error: ", FailureReason::kNetworkError},
    Pattern{"Cannot read RTMP handshake", FailureReason::kNetworkError},
    Pattern{"Peer certificate failed verification", FailureReason::kNetworkError},
    Pattern{"Cannot open connection", FailureReason::kNetworkError},
    Pattern{"Connection to srt", FailureReason::kNetworkError},
    Pattern{"HTTP error", FailureReason::kNetworkError},
    Pattern{"Unrecognized option", FailureReason::kUserError},
    Pattern{"Option not found", FailureReason::kUserError},
    Pattern{"Unable to parse option value", FailureReason::kUserError},
    Pattern{"Error setting option", FailureReason::kUserError},
    Pattern{"Error setting preset", FailureReason::kUserError},
    Pattern{"Error setting profile", FailureReason::kUserError},
    Pattern{"doesn't support", FailureReason::kUserError},
    Pattern{"not divisible by", FailureReason::kUserError},
    Pattern{"Error parsing option", FailureReason::kUserError},
    Pattern{"Invalid value", FailureReason::kUserError},
    Pattern{"matches no streams", FailureReason::kUserError},
    Pattern{"not currently supported in container", FailureReason::kUserError},
    Pattern{"Unable to find a suitable output format", FailureReason::kUserError},
    Pattern{"No such file or directory", FailureReason::kInputError},
    Pattern{"Resource not found.", FailureReason::kInputError},
    Pattern{"This file is invalid and cannot be played", FailureReason::kInputError},
    Pattern{"This file contains no playable streams", FailureReason::kInputError},
    Pattern{"This file is corrupt and cannot be played", FailureReason::kInputError},
    Pattern{"This file is incomplete and cannot be played", FailureReason::kInputError},
    Pattern{"Could not demultiplex stream", FailureReason::kInputError},
    Pattern{"Could not decode stream", FailureReason::kInputError},
    Pattern{"Permission denied", FailureReason::kInputError},
    Pattern{"Is a directory", FailureReason::kInputError},
    Pattern{"moov atom not found", FailureReason::kInputError},
    Pattern{"corrupt decoded frame", FailureReason::kInputError},
    Pattern{"corrupt input packet", FailureReason::kInputError},
    Pattern{"error while decoding", FailureReason::kInputError},
    Pattern{"Error while decoding", FailureReason::kInputError},
    Pattern{"Error splitting the input", FailureReason::kInputError},
    Pattern{"File ended prematurely", FailureReason::kInputError},
    Pattern{"partial file", FailureReason::kInputError},
    Pattern{"could not find codec parameters", FailureReason::kInputError},
    Pattern{"does not contain any stream", FailureReason::kInputError},
    Pattern{"Decoder (codec", FailureReason::kInputError},
    Pattern{"not on whitelist", FailureReason::kInputError},
    Pattern{"channel element", FailureReason::kInputError},
    Pattern{"Invalid data found when processing input", FailureReason::kInputError},
    Pattern{"Error while opening encoder", FailureReason::kUserError},
    Pattern{"Could not write header", FailureReason::kUserError},
    Pattern{"Error reinitializing filters", FailureReason::kRuntimeError},
    Pattern{"Error while filtering", FailureReason::kRuntimeError},
    Pattern{"Assertion", FailureReason::kRuntimeError},
    Pattern{"Error writing trailer", FailureReason::kRuntimeError},
    Pattern{"Conversion failed", FailureReason::kRuntimeError},
};

constexpr std::string_view kPipelineError = "ERROR: from element ";
// What of a node's GStreamer is not there any more, among what is the platform's fault.
constexpr std::array<std::string_view, 4> kMissingParts{"erroneous pipeline: ", "installation is missing a plug-in",
                                                        "error while loading shared libraries", "Cannot load lib"};

// "ERROR: from element /GstPipeline:pipeline0/GstFileSink:filesink0: x" -> "filesink0: x".
std::string without_place(std::string line) {
  constexpr std::string_view kPlace = "from element /";
  const std::size_t at = line.find(kPlace);
  if (at == std::string::npos) return line;
  const std::size_t text = line.find(": ", at);
  const std::size_t name = line.rfind(':', text == std::string::npos ? text : text - 1);
  return name == std::string::npos || name < at ? line : line.substr(name + 1);
}

// "[h264 @ 0x55d57c797880] [error] x" -> "[h264] x".
std::string tidy(std::string_view line) {
  std::string out = without_place(model::without_addresses(trim(line)));
  for (const std::string_view tag : {"[error] ", "[fatal] ", "[panic] ", "[warning] "})
    if (const std::size_t at = out.find(tag); at != std::string::npos) {
      out.erase(at, tag.size());
      break;
    }
  return out;
}

bool tagged_error(std::string_view line) {
  return line.starts_with(kPipelineError) || line.find("[error] ") != std::string_view::npos || line.find("[fatal] ") != std::string_view::npos ||
         line.find("[panic] ") != std::string_view::npos;
}

// Said at level error by decoders of whole files: at the first pictures of an open GOP, and of metadata.
constexpr std::array<std::string_view, 4> kHarmless{"co located POCs unavailable", "mmco: unref short failure",
                                                    "number of reference frames", "SEI type"};
// Damage that is reported as a warning, or without a tag by other builds.
constexpr std::array<std::string_view, 11> kDamage{
    "corrupt decoded frame",  "corrupt input packet", "Packet corrupt",
    "error while decoding",   "Error while decoding", "File ended prematurely",
    "partial file",           "Truncating packet",    "concealing",
    "No space left on device", "Could not decode stream"};

bool holds(std::string_view line, std::string_view text) { return line.find(text) != std::string_view::npos; }

bool is_error(std::string_view line) {
  const auto in_line = [&](std::string_view text) { return holds(line, text); };
  if (std::any_of(kDamage.begin(), kDamage.end(), in_line)) return true;
  return tagged_error(line) && std::none_of(kHarmless.begin(), kHarmless.end(), in_line);
}

// "rtmp://host/live: Input/output error": what has an address and ends so was reached over the network.
bool is_network(std::string_view line) {
  return holds(line, "://") && !holds(line, "file://") &&
         (line.ends_with(": Input/output error") || line.ends_with(": End of file") ||
          line.ends_with(": Operation not permitted"));
}

Diagnosis by_signal(int signal, std::string_view last) {
  // Who sent it is not to be seen here: the worker knows of its own kills and of the cgroup's OOM count.
  return {FailureReason::kUnknown, cat("ended by signal ", signal, last.empty() ? "" : ": ", last)};
}

std::string last_line(const std::vector<std::string_view>& lines) {
  std::string last;
  for (const std::string_view line : lines) {
    if (trim(line).empty()) continue;
    if (tagged_error(line) || last.empty() || !holds(line, "[warning] ")) last = tidy(line);
  }
  return last;
}

}  // namespace

Diagnosis diagnose(std::optional<int> exit_code, std::optional<int> signal, std::string_view stderr_tail) {
  const auto lines = split(stderr_tail, '\n');
  if (signal) return by_signal(*signal, last_line(lines));
  for (const Pattern& pattern : kPatterns)
    for (const std::string_view line : lines)
      if (holds(line, pattern.text)) return {pattern.reason, tidy(line)};
  for (const std::string_view line : lines)
    if (is_network(trim(line))) return {FailureReason::kNetworkError, tidy(line)};
  // A pipeline's first error is the cause, the others follow from it.
  for (const std::string_view line : lines)
    if (line.starts_with(kPipelineError)) return {FailureReason::kUnknown, tidy(line)};
  std::string last = last_line(lines);
  if (last.empty()) last = exit_code ? cat("exit ", *exit_code, " without a word") : "no exit status";
  return {FailureReason::kUnknown, last};
}

bool is_of_pipeline(FailureReason reason, std::string_view stderr_tail) {
  // The words for input, network, disk and memory are known: what is none of them is its own.
  if (reason == FailureReason::kUnknown || reason == FailureReason::kRuntimeError) return true;
  return reason == FailureReason::kPlatformError &&
         std::any_of(kMissingParts.begin(), kMissingParts.end(),
                     [&](std::string_view text) { return holds(stderr_tail, text); });
}

std::vector<std::string> error_lines(std::string_view stderr_text) {
  constexpr std::size_t kMost = 20;
  std::vector<std::string> out;
  for (const std::string_view line : split(stderr_text, '\n')) {
    if (out.size() == kMost) break;
    if (is_error(line)) out.push_back(tidy(line));
  }
  return out;
}

}  // namespace ffrtmp::engine
