#include "launch/ground.h"

#include <unistd.h>

#include "base/text.h"
#include "sys/proc_fs.h"

namespace ffrtmp::launch {

Result<Ground> open_ground(const config::GovernSettings& settings) {
  const sys::Host host = sys::Host::real();
  auto layout = sys::read_cgroup_layout(host);
  if (!layout && layout.error().code != Errc::kUnsupported) return std::move(layout).error();
  const std::string runtime_dir = govern::default_runtime_dir(settings.runtime_dir);
  FFRTMP_TRY(govern::prepare_runtime_dir(runtime_dir));
  FFRTMP_ASSIGN(std::string boot_id, sys::read_boot_id(host));
  govern::AttacherSettings attacher{host, layout ? std::move(layout).value() : sys::CgroupLayout{},
                                    settings.cgroup_root};
  return Ground{host, runtime_dir, std::move(boot_id), govern::Attacher(std::move(attacher))};
}

govern::AttachRequest make_request(const config::GovernSettings& settings, const std::string& job_id) {
  govern::AttachRequest request;
  request.job_id = job_id;
  request.limits = settings.limits;
  request.placement = settings.placement == "root" ? govern::Placement::kRoot : govern::Placement::kNested;
  request.strict = settings.strict;
  return request;
}

govern::Claim make_claim(const Ground& ground, const std::string& owner, const sys::ProcessKey& process,
                         const govern::Governed& governed) {
  govern::Claim claim;
  claim.pid = process.pid;
  claim.start_ticks = static_cast<std::int64_t>(process.start_ticks);
  claim.boot_id = ground.boot_id;
  claim.owner = owner;
  claim.owner_pid = getpid();
  claim.governed = governed;
  return claim;
}

Result<govern::HeldClaim> take_claim(const Ground& ground, const std::string& owner, const sys::ProcessKey& process,
                                     const govern::Governed& governed) {
  return govern::HeldClaim::take(ground.runtime_dir, make_claim(ground, owner, process, governed));
}

}  // namespace ffrtmp::launch
