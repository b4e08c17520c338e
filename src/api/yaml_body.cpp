#include "api/yaml_body.h"

#include <yaml-cpp/yaml.h>

#include <set>

#include "api/routes.h"
#include "base/text.h"
#include "json/text.h"

namespace ffrtmp::api {
namespace {

constexpr int kMaxDepth = 64;

Error at_mark(const YAML::Mark& mark, std::string_view what) {
  return make_error(Errc::kCorrupt, cat("line ", mark.line + 1, ", column ", mark.column + 1, ": ", what));
}

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && text[at + count] >= '0' && text[at + count] <= '9') ++count;
  return count;
}

// The grammar of JSON's numbers. Source: RFC 8259, section 6.
bool is_json_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits_at(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits_at(text, at + 1);
    if (fraction == 0) return false;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    if (++at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t power = digits_at(text, at);
    if (power == 0) return false;
    at += power;
  }
  return at == text.size();
}

void write_scalar(std::string& out, const YAML::Node& node) {
  const std::string& text = node.Scalar();
  const bool is_quoted = node.Tag() == "!";
  if (!is_quoted && (text == "true" || text == "false" || is_json_number(text))) {
    out += text;
  } else {
    json::append_string(out, text);
  }
}

class Writer {
 public:
  Status write(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth) return at_mark(node.Mark(), "nested too deep");
    if (out_.size() > kMaxSubmitBody) return at_mark(node.Mark(), cat("more than ", kMaxSubmitBody, " bytes"));
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        write_scalar(out_, node);
        return {};
      case YAML::NodeType::Sequence:
        return write_list(node, depth);
      case YAML::NodeType::Map:
        return write_map(node, depth);
      default:
        out_ += "null";
        return {};
    }
  }
  std::string take() { return std::move(out_); }

 private:
  Status write_list(const YAML::Node& node, int depth) {
    char mark = '[';
    for (const YAML::Node& item : node) {
      out_ += std::exchange(mark, ',');
      FFRTMP_TRY(write(item, depth + 1));
    }
    out_ += mark == '[' ? "[]" : "]";
    return {};
  }

  Status write_map(const YAML::Node& node, int depth) {
    char mark = '{';
    std::set<std::string> names;
    for (const auto& item : node) {
      if (!item.first.IsScalar()) return at_mark(item.first.Mark(), "a name must be plain text");
      const std::string& name = item.first.Scalar();
      if (!names.insert(name).second) return at_mark(item.first.Mark(), cat("\"", escape(name), "\" stands twice"));
      out_ += std::exchange(mark, ',');
      json::append_string(out_, name);
      out_ += ':';
      FFRTMP_TRY(write(item.second, depth + 1));
    }
    out_ += mark == '{' ? "{}" : "}";
    return {};
  }

  std::string out_;
};

}  // namespace

Result<std::string> json_of_yaml(std::string_view text) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty() || documents.front().IsNull()) return make_error(Errc::kCorrupt, "holds nothing");
    if (documents.size() > 1) return at_mark(documents[1].Mark(), "a second document begins here");
    Writer writer;
    FFRTMP_TRY(writer.write(documents.front(), 0));
    return writer.take();
  } catch (const YAML::Exception& error) {
    return at_mark(error.mark, error.msg);
  }
}

}  // namespace ffrtmp::api
