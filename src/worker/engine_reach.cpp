#include "worker/engine_reach.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "sys/spawn.h"

namespace ffrtmp::worker {
namespace {

// Of /etc only what libraries look up; keys and passwords lie beside it.
constexpr const char* kReadable[] = {
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store",
    // The loader, name look-ups, certificates of TLS outputs, fonts of subtitles, drivers of GPUs.
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime",
    "/etc/resolv.conf", "/run/systemd/resolve", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/fonts", "/var/cache/fontconfig", "/etc/OpenCL", "/etc/vulkan",
    "/etc/glvnd", "/etc/drirc", "/etc/igfx_user_feature.txt"};
// What libraries ask about CPUs, memory and devices. Not all of it: other processes' environments are there too.
constexpr const char* kOfProc[] = {"cpuinfo",
                                   "meminfo",
                                   "stat",
                                   "modules",
                                   "devices",
                                   "driver",
                                   "sys/vm/overcommit_memory",
                                   "sys/kernel/random",
                                   "sys/kernel/osrelease"};
constexpr const char* kOfSys[] = {"devices", "dev", "class", "bus/pci", "module", "kernel/mm"};
// Not the disks beside them.
constexpr const char* kWritable[] = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/dri"};
constexpr std::string_view kNvidiaDevices = "nvidia";  // nvidia0, nvidiactl, nvidia-uvm, nvidia-caps, …

}  // namespace

EngineReach joined(EngineReach reach, const EngineReach& other) {
  const auto add = [](std::vector<std::string>& to, const std::vector<std::string>& paths) {
    for (const std::string& path : paths)
      if (std::find(to.begin(), to.end(), path) == to.end()) to.push_back(path);
  };
  add(reach.readable, other.readable);
  add(reach.writable, other.writable);
  return reach;
}

EngineReach reach_of_engine(const std::string& program, const sys::Host& host) {
  EngineReach reach;
  reach.readable.assign(std::begin(kReadable), std::end(kReadable));
  reach.writable.assign(std::begin(kWritable), std::end(kWritable));
  std::error_code none;
  for (const auto& device : std::filesystem::directory_iterator("/dev", none))
    if (device.path().filename().string().starts_with(kNvidiaDevices)) reach.writable.push_back(device.path().string());
  for (const char* name : kOfProc) reach.readable.push_back(cat(host.proc, "/", name));
  for (const char* name : kOfSys) reach.readable.push_back(cat(host.sys, "/", name));
  const auto found = sys::find_program(program, sys::own_environment());
  if (!found) return reach;
  std::error_code error;
  const auto real = std::filesystem::canonical(*found, error);
  for (const std::filesystem::path& file : {std::filesystem::path(*found), real})
    if (file.has_parent_path()) reach.readable.push_back(file.parent_path().string());
  return reach;
}

}  // namespace ffrtmp::worker
