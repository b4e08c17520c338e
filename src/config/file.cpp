#include "config/file.h"

#include "base/text.h"
#include "config/document.h"

namespace ffrtmp::config {
namespace {

Result<FileValue> read_value(const Node& key, const Node& node) {
  FileValue value;
  value.place = key.place.str();
  if (node.kind == Node::Kind::kScalar) value.values.push_back(node.text);
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::kScalar)
      return make_error(Errc::kCorrupt, cat(item.place.str(), ": must be a plain value"));
    value.values.push_back(item.text);
  }
  for (const auto& [name, item] : node.entries) {  // label: {zone: a} reads as zone=a
    if (item.kind != Node::Kind::kScalar)
      return make_error(Errc::kCorrupt, cat(item.place.str(), ": must be a plain value"));
    value.values.push_back(cat(name.text, "=", item.text));
  }
  return value;
}

}  // namespace

Result<File> read_file(const std::string& path) {
  FFRTMP_ASSIGN(const Node root, read_document(path));
  File file;
  if (root.kind == Node::Kind::kNull) return file;
  if (root.kind != Node::Kind::kMap)
    return make_error(Errc::kCorrupt, cat(root.place.str(), ": must be a map of settings"));
  for (const auto& [key, item] : root.entries) {
    FFRTMP_ASSIGN(FileValue value, read_value(key, item));
    const std::string place = value.place;
    if (!file.emplace(key.text, std::move(value)).second)
      return make_error(Errc::kCorrupt, cat(place, ": \"", escape(key.text), "\" stands twice"));
  }
  return file;
}

}  // namespace ffrtmp::config
