#include "sys/disks.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {

std::string_view parse_scheduler(std::string_view text) {
  const auto open = text.find('[');
  const auto close = text.find(']', open);
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  return text.substr(open + 1, close - open - 1);
}

Result<std::vector<Disk>> read_disks(const Host& host) {
  const std::string block = host.sys + "/block";
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(block.c_str()), closedir);
  if (!dir) return last_sys_error(cat("open ", block));
  std::vector<Disk> disks;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string path = cat(block, "/", entry->d_name);
    if (entry->d_name[0] == '.' || access((path + "/device").c_str(), F_OK) != 0) continue;
    const auto number = read_text(path + "/dev");
    if (!number) continue;
    const auto scheduler = read_text(path + "/queue/scheduler");
    disks.push_back(
        {entry->d_name, std::string(trim(*number)), scheduler.has_value() && parse_scheduler(*scheduler) == "bfq"});
  }
  std::sort(disks.begin(), disks.end(), [](const Disk& a, const Disk& b) { return a.name < b.name; });
  return disks;
}

}  // namespace ffrtmp::sys
