#include "govern/limit_plan.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupVersion;

// The largest page size of any Linux port: a byte limit read back may be smaller by less than that.
constexpr std::int64_t kLargestPage = 64 << 10;
constexpr std::int64_t kPeriodUs = 100'000;
constexpr std::string_view kNoBfq = "no disk has the bfq scheduler: the weight has no effect";
constexpr std::string_view kNoIoCost = "io.cost.qos enables no disk: the weight has no effect";
constexpr std::string_view kSoftLimit = "memory.soft_limit_in_bytes is a wish to the reclaim of a full host, no limit";

// Weights of bfq end at 1000; up to its default of 100 they are the same.
int bfq_weight(int weight) { return weight <= 100 ? weight : 100 + (weight - 100) / 11; }

class Planner {
 public:
  Planner(const Limits& limits, const Capabilities& capabilities) : limits_(limits), capabilities_(capabilities) {}

  LimitPlan plan() {
    plan_cpu();
    plan_memory();
    plan_io_weight();
    plan_io_bandwidth();
    plan_io_max();
    if (limits_.pids_max) add(LimitName::kPidsMax, Controller::kPids, "pids.max", cat(*limits_.pids_max));
    return std::move(plan_);
  }

 private:
  // Facts of the controller; null, and the limit refused, when the host has none.
  const ControllerFacts* facts(LimitName limit, Controller controller) {
    const auto at = capabilities_.controllers.find(controller);
    if (at != capabilities_.controllers.end()) return &at->second;
    refuse(limit, cat("no ", kernel_name(controller, CgroupVersion::kV2), " controller"));
    return nullptr;
  }

  void refuse(LimitName limit, std::string why) {
    const auto same = [&](const LimitReport& report) { return report.limit == limit; };
    if (std::any_of(plan_.refused.begin(), plan_.refused.end(), same)) return;
    plan_.refused.push_back({limit, LimitStatus::kUnsupported, 0, {}, {}, {}, std::move(why)});
  }

  void add(LimitName limit, Controller controller, const std::string& file, std::string text,
           ReadBack read_back = ReadBack::kText, std::string_view degraded = {}) {
    const ControllerFacts* found = facts(limit, controller);
    if (found == nullptr) return;
    if (!found->files.contains(file)) return refuse(limit, cat("no ", file));
    plan_.writes.push_back({limit, controller, file, std::move(text), read_back, std::string(degraded)});
  }

  bool is_v1(Controller controller) const {
    const auto at = capabilities_.controllers.find(controller);
    return at != capabilities_.controllers.end() && at->second.version == CgroupVersion::kV1;
  }

  void plan_cpu() {
    if (limits_.cpu_max) {
      plan_bandwidth(*limits_.cpu_max);
    } else if (limits_.cpu_quota_percent) {
      plan_bandwidth({*limits_.cpu_quota_percent * kPeriodUs / 100, kPeriodUs});
    }
    if (!limits_.cpu_weight) return;
    const int weight = *limits_.cpu_weight;
    if (is_v1(Controller::kCpu))
      add(LimitName::kCpuWeight, Controller::kCpu, "cpu.shares", cat(weight * 1024 / 100));
    else
      add(LimitName::kCpuWeight, Controller::kCpu, "cpu.weight", cat(weight));
  }

  void plan_bandwidth(const model::CpuMax& max) {
    if (is_v1(Controller::kCpu)) {
      add(LimitName::kCpuQuota, Controller::kCpu, "cpu.cfs_period_us", cat(max.period_us));
      add(LimitName::kCpuQuota, Controller::kCpu, "cpu.cfs_quota_us", cat(max.quota_us));
    } else {
      add(LimitName::kCpuQuota, Controller::kCpu, "cpu.max", cat(max.quota_us, " ", max.period_us));
    }
  }

  void plan_memory() {
    const bool v1 = is_v1(Controller::kMemory);
    const auto bytes = [&](LimitName limit, const char* file, std::int64_t value, std::string_view degraded = {}) {
      add(limit, Controller::kMemory, file, cat(value), ReadBack::kPages, degraded);
    };
    if (limits_.memory_high_bytes) {
      if (v1)
        bytes(LimitName::kMemoryHigh, "memory.soft_limit_in_bytes", *limits_.memory_high_bytes, kSoftLimit);
      else
        bytes(LimitName::kMemoryHigh, "memory.high", *limits_.memory_high_bytes);
    }
    if (limits_.memory_limit_bytes)
      bytes(LimitName::kMemoryLimit, v1 ? "memory.limit_in_bytes" : "memory.max", *limits_.memory_limit_bytes);
    if (!limits_.memory_swap_bytes) return;
    if (!v1)
      bytes(LimitName::kMemorySwapLimit, "memory.swap.max", *limits_.memory_swap_bytes);
    else if (limits_.memory_limit_bytes)
      bytes(LimitName::kMemorySwapLimit, "memory.memsw.limit_in_bytes",
            *limits_.memory_limit_bytes + *limits_.memory_swap_bytes);
    else
      refuse(LimitName::kMemorySwapLimit, "v1 limits memory and swap together: needs a memory limit");
  }

  void plan_io_weight() {
    if (!limits_.io_weight) return;
    const ControllerFacts* io = facts(LimitName::kIoWeight, Controller::kIo);
    if (io == nullptr) return;
    const int weight = *limits_.io_weight;
    const auto put = [&](const char* file, std::string text, std::string_view degraded) {
      add(LimitName::kIoWeight, Controller::kIo, file, std::move(text), ReadBack::kDefaultWeight, degraded);
    };
    const std::string_view no_bfq = capabilities_.bfq_is_used ? std::string_view() : kNoBfq;
    if (io->version == CgroupVersion::kV2) {
      if (io->files.contains("io.weight"))
        put("io.weight", cat("default ", weight), capabilities_.io_cost_is_on ? std::string_view() : kNoIoCost);
      else
        put("io.bfq.weight", cat(bfq_weight(weight)), no_bfq);
    } else if (io->files.contains("blkio.bfq.weight")) {
      put("blkio.bfq.weight", cat(bfq_weight(weight)), no_bfq);
    } else {
      put("blkio.weight", cat(std::clamp(5 * weight, 10, 1000)), {});
    }
  }

  // A device that --io-max names has its own line.
  bool is_named(const std::string& disk) const {
    return std::any_of(limits_.io_max.begin(), limits_.io_max.end(),
                       [&](const model::DeviceLimit& line) { return line.device == disk; });
  }

  void plan_io_bandwidth() {
    const auto each_disk = [&](LimitName limit, std::optional<std::int64_t> bps, std::string_view key,
                               const char* v1_file) {
      if (!bps) return;
      if (capabilities_.disks.empty()) refuse(limit, "no disk");
      for (const std::string& disk : capabilities_.disks)
        if (!is_named(disk)) plan_device(limit, disk, key, v1_file, *bps);
    };
    each_disk(LimitName::kIoReadBps, limits_.io_read_bps, "rbps", "blkio.throttle.read_bps_device");
    each_disk(LimitName::kIoWriteBps, limits_.io_write_bps, "wbps", "blkio.throttle.write_bps_device");
  }

  void plan_io_max() {
    for (const model::DeviceLimit& line : limits_.io_max) {
      const auto put = [&](const std::optional<std::int64_t>& value, std::string_view key, const char* v1_file) {
        if (value) plan_device(LimitName::kIoMax, line.device, key, v1_file, *value);
      };
      put(line.read_bps, "rbps", "blkio.throttle.read_bps_device");
      put(line.write_bps, "wbps", "blkio.throttle.write_bps_device");
      put(line.read_iops, "riops", "blkio.throttle.read_iops_device");
      put(line.write_iops, "wiops", "blkio.throttle.write_iops_device");
    }
  }

  void plan_device(LimitName limit, const std::string& disk, std::string_view key, const char* v1_file,
                   std::int64_t value) {
    if (is_v1(Controller::kIo))
      add(limit, Controller::kIo, v1_file, cat(disk, " ", value), ReadBack::kDeviceValue);
    else
      add(limit, Controller::kIo, "io.max", cat(disk, " ", key, "=", value), ReadBack::kDeviceKeys);
  }

  const Limits& limits_;
  const Capabilities& capabilities_;
  LimitPlan plan_;
};

// The words behind "MAJ:MIN" on its line; none when it has no line.
std::vector<std::string_view> words_of_device(std::string_view text, std::string_view device) {
  for (const std::string_view line : split(text, '\n')) {
    auto words = split(trim(line), ' ');
    if (words.empty() || words.front() != device) continue;
    words.erase(words.begin());
    return words;
  }
  return {};
}

bool device_holds(std::string_view wanted, std::string_view observed) {
  const auto words = split(wanted, ' ');
  const auto there = words_of_device(observed, words.front());
  return std::all_of(words.begin() + 1, words.end(),
                     [&](std::string_view word) { return std::find(there.begin(), there.end(), word) != there.end(); });
}

// What a write sets: its file or, of a file with a line for each device, "MAJ:MIN" or "MAJ:MIN key".
bool set_the_same(const LimitWrite& a, const LimitWrite& b) {
  if (a.controller != b.controller || a.file != b.file) return false;
  if (a.read_back != ReadBack::kDeviceKeys && a.read_back != ReadBack::kDeviceValue) return true;
  const char end = a.read_back == ReadBack::kDeviceKeys ? '=' : ' ';
  return a.text.substr(0, a.text.find(end)) == b.text.substr(0, b.text.find(end));
}

bool same_pages(std::string_view wanted, std::string_view observed) {
  const auto bytes = parse_int(wanted);
  const auto there = parse_int(observed);
  return bytes && there && *there <= *bytes && *bytes - *there < kLargestPage;
}

bool same_weight(std::string_view wanted, std::string_view observed) {
  constexpr std::string_view kDefault = "default ";
  const std::string_view first_line = observed.substr(0, observed.find('\n'));
  const auto number = [&](std::string_view text) {
    if (text.starts_with(kDefault)) text.remove_prefix(kDefault.size());
    return trim(text);
  };
  return number(wanted) == number(first_line);
}

}  // namespace

std::string_view kernel_name(Controller controller, CgroupVersion version) {
  switch (controller) {
    case Controller::kCpu:
      return "cpu";
    case Controller::kMemory:
      return "memory";
    case Controller::kIo:
      return version == CgroupVersion::kV1 ? "blkio" : "io";
    case Controller::kPids:
      return "pids";
  }
  return "";
}

std::optional<Controller> controller_of(LimitName limit) {
  switch (limit) {
    case LimitName::kCpuQuota:
    case LimitName::kCpuWeight:
      return Controller::kCpu;
    case LimitName::kMemoryLimit:
    case LimitName::kMemoryHigh:
    case LimitName::kMemorySwapLimit:
      return Controller::kMemory;
    case LimitName::kIoWeight:
    case LimitName::kIoReadBps:
    case LimitName::kIoWriteBps:
    case LimitName::kIoMax:
      return Controller::kIo;
    case LimitName::kPidsMax:
      return Controller::kPids;
    case LimitName::kNice:
    case LimitName::kOomScoreAdj:
      return std::nullopt;
  }
  return std::nullopt;
}

std::set<Controller> controllers_for(const Limits& limits) {
  std::set<Controller> needed;
  if (limits.cpu_quota_percent || limits.cpu_max || limits.cpu_weight) needed.insert(Controller::kCpu);
  if (limits.memory_limit_bytes || limits.memory_high_bytes || limits.memory_swap_bytes)
    needed.insert(Controller::kMemory);
  if (limits.io_weight || limits.io_read_bps || limits.io_write_bps || !limits.io_max.empty())
    needed.insert(Controller::kIo);
  if (limits.pids_max) needed.insert(Controller::kPids);
  return needed;
}

LimitPlan plan_limits(const Limits& limits, const Capabilities& capabilities) {
  return Planner(limits, capabilities).plan();
}

LimitPlan plan_removal(const LimitPlan& before, const LimitPlan& now) {
  LimitPlan gone;
  for (const LimitWrite& write : before.writes)
    if (std::none_of(now.writes.begin(), now.writes.end(),
                     [&](const LimitWrite& other) { return set_the_same(write, other); }))
      gone.writes.push_back(write);
  return gone;
}

bool matches(const LimitWrite& write, std::string_view observed) {
  switch (write.read_back) {
    case ReadBack::kText:
      return trim(observed) == write.text;
    case ReadBack::kPages:
      return same_pages(write.text, trim(observed));
    case ReadBack::kDefaultWeight:
      return same_weight(write.text, trim(observed));
    case ReadBack::kDeviceKeys:
    case ReadBack::kDeviceValue:
      return device_holds(write.text, observed);
  }
  return false;
}

}  // namespace ffrtmp::govern
