#pragma once
// What run and attach stand on: the host's cgroups, the attacher, the place of claims.
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/text.h"
#include "config/launch_settings.h"
#include "govern/attacher.h"
#include "govern/claim.h"
#include "launch/report.h"
#include "launch/stop_signals.h"
#include "sys/host.h"

namespace ffrtmp::launch {

inline constexpr int kFailed = 1;  // exit code

struct Ground {
  sys::Host host;
  std::string runtime_dir;
  std::string boot_id;
  govern::Attacher attacher;
};
// Without cgroups there is an attacher too: it says that no limit is supported. kDenied for a runtime directory that
// is another user's or open to others.
[[nodiscard]] Result<Ground> open_ground(const config::GovernSettings& settings);

[[nodiscard]] govern::AttachRequest make_request(const config::GovernSettings& settings, const std::string& job_id);
[[nodiscard]] Result<govern::HeldClaim> take_claim(const Ground& ground, const std::string& owner,
                                                   const sys::ProcessKey& process, const govern::Governed& governed);
// The text of a claim on `process` as it is now.
[[nodiscard]] govern::Claim make_claim(const Ground& ground, const std::string& owner, const sys::ProcessKey& process,
                                       const govern::Governed& governed);

// Opens what a command stands on, and lets it go: `Command(settings, ground, signals).go()`, its exit code. 1, and a
// line that begins with `failure`, when there is nothing to stand on.
template <class Command, class Settings>
[[nodiscard]] int go_on_ground(const Settings& settings, std::string_view failure) {
  auto ground = open_ground(settings.govern);
  auto signals = ground ? StopSignals::take() : Result<StopSignals>(ground.error());
  if (!signals) {
    say(cat(failure, ": ", signals.error().message));
    return kFailed;
  }
  return Command(settings, std::move(*ground), std::move(*signals)).go();
}

}  // namespace ffrtmp::launch
