#pragma once
// What run and attach stand on: the host's cgroups, the attacher, the place of claims.
#include <optional>
#include <string>

#include "base/result.h"
#include "config/launch_settings.h"
#include "govern/attacher.h"
#include "govern/claim.h"
#include "sys/host.h"

namespace ffrtmp::launch {

struct Ground {
  sys::Host host;
  std::string runtime_dir;
  std::string boot_id;
  govern::Attacher attacher;
};
// Without cgroups there is an attacher too: it says that no limit is supported. kDenied for a runtime directory that
// others can write.
[[nodiscard]] Result<Ground> open_ground(const config::GovernSettings& settings);

[[nodiscard]] govern::AttachRequest make_request(const config::GovernSettings& settings, const std::string& job_id);
[[nodiscard]] Result<govern::HeldClaim> take_claim(const Ground& ground, const std::string& owner,
                                                   const sys::ProcessKey& process, const govern::Governed& governed);
// The text of a claim on `process` as it is now.
[[nodiscard]] govern::Claim make_claim(const Ground& ground, const std::string& owner, const sys::ProcessKey& process,
                                       const govern::Governed& governed);

}  // namespace ffrtmp::launch
