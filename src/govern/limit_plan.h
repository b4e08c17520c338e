#pragma once
// Limits as writes to control files, and what the kernel has to answer when they are read back. Pure.
//
//   limit        v2                                   v1 (file of its own controller's hierarchy)
//   cpu_quota q  cpu.max "q*1000 100000"              cpu.cfs_period_us 100000, cpu.cfs_quota_us q*1000
//   cpu_weight w cpu.weight w                         cpu.shares floor(w*10.24)
//   memory_limit memory.max                           memory.limit_in_bytes
//   memory_high  memory.high                          memory.soft_limit_in_bytes, degraded: it does not hold
//   memory_swap  memory.swap.max                      memory.memsw.limit_in_bytes (memory + swap)
//   pids_max     pids.max                             pids.max
//   io_weight w  io.weight "default w",               blkio.bfq.weight as in v2,
//                else io.bfq.weight (w <= 100: w,     else blkio.weight clamp(5w, 10, 1000)
//                else 100+(w-100)/11)
//   io_*_bps N   io.max "MAJ:MIN rbps=N wbps=N"       blkio.throttle.{read,write}_bps_device "MAJ:MIN N"
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "govern/limits.h"
#include "sys/cgroup_layout.h"

namespace ffrtmp::govern {

enum class Controller : std::uint8_t { kCpu, kMemory, kIo, kPids };
inline constexpr Controller kControllers[] = {Controller::kCpu, Controller::kMemory, Controller::kIo,
                                              Controller::kPids};
// Name in the kernel: "io" is "blkio" in v1.
[[nodiscard]] std::string_view kernel_name(Controller controller, sys::CgroupVersion version);

// The one that a limit needs; none for nice and oom_score_adj.
[[nodiscard]] std::optional<Controller> controller_of(LimitName limit);

// What one controller offers in a group of ours.
struct ControllerFacts {
  sys::CgroupVersion version = sys::CgroupVersion::kV2;
  std::string hierarchy;        // sys::Hierarchy::name
  std::set<std::string> files;  // control files of the group's directory; optional ones differ between kernels
};
struct Capabilities {
  std::map<Controller, ControllerFacts> controllers;  // absent: not usable on this host
  std::vector<std::string> disks;                     // "MAJ:MIN" of every /sys/block/* with a device link
  bool bfq_is_used = true;                            // some disk has the bfq scheduler: else its weights are inert
  bool io_cost_is_on = true;                          // io.cost.qos enables some disk: else io.weight is inert
};

// How a read-back is compared with what was written.
enum class ReadBack : std::uint8_t {
  kText,           // equal
  kPages,          // bytes, the kernel rounds down to its page size
  kDefaultWeight,  // "default N" or "N"
  kDeviceKeys,     // the line of MAJ:MIN holds each key=value, in any order
  kDeviceValue     // the line "MAJ:MIN N" is there
};

struct LimitWrite {
  LimitName limit = LimitName::kCpuQuota;
  Controller controller = Controller::kCpu;
  std::string file;  // "cpu.max"
  std::string text;
  ReadBack read_back = ReadBack::kText;
  std::string degraded;  // why it does not hold all that was asked; empty: it does
  bool operator==(const LimitWrite&) const = default;
};

struct LimitPlan {
  std::vector<LimitWrite> writes;    // in this order: v1 wants memory before memsw when growing from "max"
  std::vector<LimitReport> refused;  // kUnsupported
};

// The controllers that `limits` needs.
[[nodiscard]] std::set<Controller> controllers_for(const Limits& limits);
[[nodiscard]] LimitPlan plan_limits(const Limits& limits, const Capabilities& capabilities);
// Those of `before` that `now` does not have, a device's line by its device and key.
[[nodiscard]] LimitPlan plan_removal(const LimitPlan& before, const LimitPlan& now);
// Whether `observed`, the file's whole text, says what `write` asked for.
[[nodiscard]] bool matches(const LimitWrite& write, std::string_view observed);

}  // namespace ffrtmp::govern
