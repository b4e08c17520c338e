#pragma once
// A configuration file: one YAML map of setting names to a value or a list of values.
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace ffrtmp::config {

struct FileValue {
  std::vector<std::string> values;
  std::string place;  // "file:line:column" of the key
};
using File = std::map<std::string, FileValue>;

// kGone without the file, kCorrupt with file:line:column for what is no such map. A key that stands twice is an error.
[[nodiscard]] Result<File> read_file(const std::string& path);

}  // namespace ffrtmp::config
