#pragma once
// Block devices that are hardware, and what decides whether I/O weights have an effect on them.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/host.h"

namespace ffrtmp::sys {

struct Disk {
  std::string name;    // "vda"
  std::string number;  // "254:0"
  bool has_bfq = false;
};
// Every /sys/block/* with a device link: partitions, loops and RAM disks are none.
[[nodiscard]] Result<std::vector<Disk>> read_disks(const Host& host);
// Pure, of queue/scheduler: "none [bfq]".
[[nodiscard]] std::string_view parse_scheduler(std::string_view text);

}  // namespace ffrtmp::sys
