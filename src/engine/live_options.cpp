#include "engine/live_options.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace ffrtmp::engine {
namespace {

constexpr double kUsualFps = 30;  // of an input that does not tell
constexpr int kKeyFrameSeconds = 2;
// How long SRT may go on sending after the last packet. Without it ffmpeg drops what is still on its way: the last
// third of a second in three of three runs on loopback (5.1.9), at exit 0.
constexpr int kSrtLingerSeconds = 5;

}  // namespace

double usual_fps(const model::Parameters& p, const InputFacts& input) {
  return p.fps.value_or(input.fps.value_or(kUsualFps));
}

long long key_frame_interval(const model::Parameters& p, const InputFacts& input) {
  return std::max<long long>(1, std::llround(kKeyFrameSeconds * usual_fps(p, input)));
}

std::vector<std::string> live_video_options(const model::Parameters& p, const InputFacts& input) {
  std::vector<std::string> out;
  if (p.bitrate_bps) out = {"-maxrate", cat(*p.bitrate_bps), "-bufsize", cat(*p.bitrate_bps)};
  out.insert(out.end(), {"-g", cat(key_frame_interval(p, input))});
  return out;
}

std::vector<std::string> live_audio_options() { return {"-ar", "48000", "-ac", "2"}; }

std::vector<std::string> live_output_options(const LiveOutput& live, const std::string& muxer) {
  std::vector<std::string> out;
  if (!live.options_file.empty()) out = {"-fpre", live.options_file};
  if (!live.app.empty()) out.insert(out.end(), {"-rtmp_app", live.app});
  if (!live.told_url.empty()) out.insert(out.end(), {"-rtmp_tcurl", live.told_url});
  if (live.url.starts_with("rtmps:")) {
    out.insert(out.end(), {"-tls_verify", "1"});  // off by default, and the key is a password
    if (!live.ca_file.empty()) out.insert(out.end(), {"-ca_file", live.ca_file});
  }
  if (live.url.starts_with("srt:")) out.insert(out.end(), {"-linger", cat(kSrtLingerSeconds)});
  out.insert(out.end(), {"-f", muxer});
  // A stream cannot be gone back in to write its length into the header.
  if (muxer == "flv") out.insert(out.end(), {"-flvflags", "no_duration_filesize"});
  out.push_back(live.address_url.empty() ? live.url : live.address_url);
  return out;
}

}  // namespace ffrtmp::engine
