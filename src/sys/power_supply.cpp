#include "sys/power_supply.h"

#include <filesystem>
#include <string>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {
namespace {

std::string word_in(const std::string& path) {
  const auto text = read_text(path);
  return text ? std::string(trim(*text)) : std::string();
}

}  // namespace

bool has_battery(const Host& host) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(host.sys + "/class/power_supply", none)) {
    const std::string supply = entry.path().string();
    if (word_in(supply + "/type") == "Battery" && word_in(supply + "/scope") != "Device") return true;
  }
  return false;
}

}  // namespace ffrtmp::sys
