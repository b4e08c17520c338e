#pragma once
// How a daemon is started: the policy, where it came from, and what no policy can say.
#include <memory>
#include <string>

#include "govern/policy.h"
#include "watch/policy_loader.h"

namespace ffrtmp::watch {

struct WatchSettings {
  PolicySources sources;  // read again at SIGHUP
  std::shared_ptr<const govern::Policy> policy;
  std::string runtime_dir;   // lock, socket, claims
  std::string cgroup_root;   // "": detected
  std::string proc_root;     // "": the host's
  std::string cgroup_mount;  // "": as mounted
  bool dry_run = false;      // decide and say so, write nothing
  bool once = false;         // one scan, limits stay
  int event_buffer_bytes = 8 << 20;
};

}  // namespace ffrtmp::watch
