#pragma once
// A YAML document as a tree that remembers where everything stood, for whoever has to say "file:line:column: …".
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ffrtmp::config {

struct Place {
  std::string file;
  int line = 0;  // from 1
  int column = 0;

  [[nodiscard]] std::string str() const;  // "file:line:column"
};

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;  // of a scalar
  Place place;
  std::vector<Node> items;                     // of a list
  std::vector<std::pair<Node, Node>> entries;  // of a map, in order, a key that stands twice too
};

// kGone without the file, kCorrupt with file:line:column for what is no YAML, refers to itself, or is too large to have
// been written by a person.
[[nodiscard]] Result<Node> read_document(const std::string& path);
// As above; `name` is the file in places.
[[nodiscard]] Result<Node> parse_document(const std::string& text, const std::string& name);

}  // namespace ffrtmp::config
