#include "media/encoder_sessions.h"

#include <algorithm>
#include <future>
#include <map>
#include <optional>

#include "media/encoder_trials.h"
#include "model/encoder_choice.h"

namespace ffrtmp::media {
namespace {

constexpr int kMostAtOnce = 16;  // beyond the highest bound of the matrix
constexpr std::chrono::milliseconds kTimeout{20'000};

bool is_on_hardware(const model::Encoder& encoder) { return encoder.usable && encoder.hardware; }

int count_on(const std::string& ffmpeg, const model::Encoder& encoder, int at_once, const RunTool& run) {
  const auto command =
      session_command(ffmpeg, {encoder.name, encoder.codec, model::api_of(encoder.name), encoder.device, true});
  std::vector<std::future<bool>> tries;
  for (int i = 0; i < at_once; ++i)
    tries.push_back(std::async(std::launch::async, [&] {
      const auto result = run(command, kTimeout);
      return result && result->exit_code == 0;
    }));
  return static_cast<int>(std::count_if(tries.begin(), tries.end(), [](auto& one) { return one.get(); }));
}

}  // namespace

void count_sessions(const std::string& ffmpeg, int at_once, const RunTool& run,
                    const std::vector<model::Encoder>& known, std::vector<model::Encoder>& encoders) {
  at_once = std::min(at_once, kMostAtOnce);
  for (model::Encoder& encoder : encoders) encoder.sessions.reset();
  if (at_once < 2) return;
  std::map<std::string, std::optional<int>> sessions;
  for (const model::Encoder& old : known)
    if (is_on_hardware(old)) sessions[model::device_of(old)] = old.sessions;
  for (model::Encoder& encoder : encoders) {
    if (!is_on_hardware(encoder)) continue;
    const auto [of_device, is_new] = sessions.try_emplace(model::device_of(encoder));
    if (is_new) {
      const int found = count_on(ffmpeg, encoder, at_once, run);
      // One went well a moment ago.
      if (found < at_once) of_device->second = std::max(found, 1);
    }
    encoder.sessions = of_device->second;
  }
}

}  // namespace ffrtmp::media
