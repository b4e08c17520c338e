#include "config/document.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/text.h"

namespace ffrtmp::config {
namespace {

constexpr int kMaxDepth = 32;       // ours need five; an alias to its own parent has no bottom
constexpr int kMaxNodes = 100'000;  // aliases of aliases multiply

Place place_of(const std::string& file, const YAML::Mark& mark) { return {file, mark.line + 1, mark.column + 1}; }

class Converter {
 public:
  explicit Converter(const std::string& file) : file_(file) {}

  Result<Node> convert(const YAML::Node& from, int depth = 0) {
    Node node;
    node.place = place_of(file_, from.Mark());
    if (depth > kMaxDepth || ++count_ > kMaxNodes)
      return make_error(Errc::kCorrupt, cat(node.place.str(), ": nested too deep, or too large"));
    if (from.IsScalar()) {
      node.kind = Node::Kind::kScalar;
      node.text = from.Scalar();
    } else if (from.IsSequence()) {
      node.kind = Node::Kind::kList;
      for (const YAML::Node& item : from) {
        FFRTMP_ASSIGN(Node child, convert(item, depth + 1));
        node.items.push_back(std::move(child));
      }
    } else if (from.IsMap()) {
      node.kind = Node::Kind::kMap;
      for (const auto& item : from) {
        FFRTMP_ASSIGN(Node key, convert(item.first, depth + 1));
        if (key.kind != Node::Kind::kScalar)
          return make_error(Errc::kCorrupt, cat(key.place.str(), ": a key must be a plain value"));
        FFRTMP_ASSIGN(Node value, convert(item.second, depth + 1));
        node.entries.emplace_back(std::move(key), std::move(value));
      }
    }
    return node;
  }

 private:
  const std::string& file_;
  int count_ = 0;
};

}  // namespace

std::string Place::str() const { return cat(file, ":", line, ":", column); }

Result<Node> parse_document(const std::string& text, const std::string& name) {
  try {
    return Converter(name).convert(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return make_error(Errc::kCorrupt, cat(place_of(name, error.mark).str(), ": ", error.msg));
  }
}

Result<Node> read_document(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file && errno != 0) return last_sys_error(cat("read ", path));
  return parse_document(text.str(), path);
}

}  // namespace ffrtmp::config
