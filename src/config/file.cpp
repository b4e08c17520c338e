#include "config/file.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include "base/text.h"

namespace ffrtmp::config {
namespace {

std::string place_of(const std::string& path, const YAML::Mark& mark) {
  return cat(path, ":", mark.line + 1, ":", mark.column + 1);
}

Result<FileValue> read_value(const std::string& path, const YAML::Node& key, const YAML::Node& node) {
  FileValue value;
  value.place = place_of(path, key.Mark());
  if (node.IsScalar()) {
    value.values.push_back(node.Scalar());
  } else if (node.IsSequence()) {
    for (const YAML::Node& item : node) {
      if (!item.IsScalar())
        return make_error(Errc::kCorrupt, cat(place_of(path, item.Mark()), ": must be a plain value"));
      value.values.push_back(item.Scalar());
    }
  } else if (node.IsMap()) {  // label: {zone: a} reads as zone=a
    for (const auto& item : node)
      value.values.push_back(cat(item.first.as<std::string>(), "=", item.second.as<std::string>()));
  }
  return value;
}

}  // namespace

Result<File> read_file(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return last_sys_error(cat("read ", path));
  File file;
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (root.IsNull()) return file;
    if (!root.IsMap())
      return make_error(Errc::kCorrupt, cat(place_of(path, root.Mark()), ": must be a map of settings"));
    for (const auto& item : root) {
      const auto key = item.first.as<std::string>();
      FFRTMP_ASSIGN(FileValue value, read_value(path, item.first, item.second));
      const std::string place = value.place;
      if (!file.emplace(key, std::move(value)).second)
        return make_error(Errc::kCorrupt, cat(place, ": \"", escape(key), "\" stands twice"));
    }
  } catch (const YAML::Exception& error) {
    return make_error(Errc::kCorrupt, cat(place_of(path, error.mark), ": ", error.msg));
  }
  return file;
}

}  // namespace ffrtmp::config
