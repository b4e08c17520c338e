#pragma once
// JSON text of described structs, and back. Include from .cpp files only: Boost.JSON is heavy.
//
// Rules: a member's name is its key; std::optional is omitted when empty; a vector or map is always written, never null;
// enumerators kLikeThis are "like_this"; UtcTime is RFC 3339, Uuid its text. Reading: a missing key keeps the member's
// default, null counts as missing, a key of no member is an error or ignored as told. Errors name the path of the field.
#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/scalars.h"
#include "base/text.h"
#include "json/text.h"

namespace ffrtmp::json {

enum class UnknownKeys { kReject, kIgnore };

namespace detail {

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
template <class T>
concept Described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;
template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsStringMap : std::false_type {};
template <class T>
struct IsStringMap<std::map<std::string, T>> : std::true_type {};

// "kTimedOut" == "timed_out", without building a string.
constexpr bool enumerator_is(std::string_view enumerator, std::string_view wire) {
  std::size_t at = 0;
  for (std::size_t i = 1; i < enumerator.size(); ++i) {
    char c = enumerator[i];
    if (c >= 'A' && c <= 'Z') {
      if (i > 1) {
        if (at >= wire.size() || wire[at++] != '_') return false;
      }
      c = static_cast<char>(c - 'A' + 'a');
    }
    if (at >= wire.size() || wire[at++] != c) return false;
  }
  return at == wire.size();
}

inline void append_enumerator(std::string& out, std::string_view enumerator) {
  for (std::size_t i = 1; i < enumerator.size(); ++i) {
    const char c = enumerator[i];
    if (c >= 'A' && c <= 'Z') {
      if (i > 1) out += '_';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c;
    }
  }
}

}  // namespace detail

// Wire name of a described enumerator.
template <detail::DescribedEnum E>
[[nodiscard]] std::string enum_name(E value) {
  std::string out;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (d.value == value) detail::append_enumerator(out, d.name);
  });
  return out;
}

// The enumerator with that wire name; kInvalid lists the names there are.
template <detail::DescribedEnum E>
[[nodiscard]] Result<E> parse_enum(std::string_view text) {
  std::optional<E> found;
  std::string names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (detail::enumerator_is(d.name, text)) found = d.value;
    if (!names.empty()) names += ", ";
    detail::append_enumerator(names, d.name);
  });
  if (found) return *found;
  return make_error(Errc::kInvalid, cat("\"", escape(text), "\" is not one of: ", names));
}

template <class T>
void encode_to(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    out += cat(value);  // beyond int64: inode numbers that are hashes
  } else if constexpr (std::is_integral_v<T>) {
    append_number(out, static_cast<std::int64_t>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    append_number(out, static_cast<double>(value));
  } else if constexpr (std::is_same_v<T, std::string>) {
    append_string(out, value);
  } else if constexpr (std::is_same_v<T, UtcTime>) {
    append_string(out, format_utc(value));
  } else if constexpr (std::is_same_v<T, Uuid>) {
    append_string(out, value.str());
  } else if constexpr (std::is_same_v<T, RawJson>) {
    out += value.text.empty() ? std::string_view("{}") : std::string_view(value.text);
  } else if constexpr (std::is_same_v<T, Scalars>) {
    if (value.is_list) {
      encode_to(out, value.values);
    } else if (value.is_bare && !value.values.empty()) {
      out += value.values.front();
    } else {
      append_string(out, value.values.empty() ? std::string_view{} : std::string_view(value.values.front()));
    }
  } else if constexpr (detail::DescribedEnum<T>) {
    out += '"';
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto d) {
      if (d.value == value) detail::append_enumerator(out, d.name);
    });
    out += '"';
  } else if constexpr (detail::IsOptional<T>::value) {
    if (value) encode_to(out, *value);
    else out += "null";
  } else if constexpr (detail::IsVector<T>::value) {
    out += '[';
    bool first = true;
    for (const auto& item : value) {
      if (!first) out += ',';
      first = false;
      encode_to(out, item);
    }
    out += ']';
  } else if constexpr (detail::IsStringMap<T>::value) {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : value) {
      if (!first) out += ',';
      first = false;
      append_string(out, key);
      out += ':';
      encode_to(out, item);
    }
    out += '}';
  } else {
    static_assert(detail::Described<T>, "describe the struct with BOOST_DESCRIBE_STRUCT");
    out += '{';
    bool first = true;
    boost::mp11::mp_for_each<detail::Members<T>>([&](auto d) {
      const auto& member = value.*d.pointer;
      if constexpr (detail::IsOptional<std::decay_t<decltype(member)>>::value) {
        if (!member) return;
      }
      if (!first) out += ',';
      first = false;
      out += '"';
      out += d.name;
      out += "\":";
      encode_to(out, member);
    });
    out += '}';
  }
}

template <class T>
[[nodiscard]] std::string encode(const T& value) {
  std::string out;
  encode_to(out, value);
  return out;
}

// Reads `value` into `out`; `path` is the field's name so far, "" at the top.
template <class T>
[[nodiscard]] Status decode_to(T& out, const boost::json::value& value, UnknownKeys unknown, const std::string& path) {
  const auto wrong = [&](std::string_view expected) { return field_error(path, cat("must be ", expected)); };
  if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_bool()) return wrong("true or false");
    out = value.get_bool();
  } else if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (value.is_uint64()) return out = value.get_uint64(), Status{};  // only those above the largest int64
    }
    std::int64_t number = 0;
    if (value.is_int64()) number = value.get_int64();
    else if (value.is_double() && std::floor(value.get_double()) == value.get_double() && std::abs(value.get_double()) < 9e15)
      number = static_cast<std::int64_t>(value.get_double());
    else return wrong("a whole number");
    if (!std::in_range<T>(number)) return wrong("a whole number in range");
    out = static_cast<T>(number);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!value.is_number() || !std::isfinite(value.to_number<double>())) return wrong("a number");  // 1e400 reads as infinity
    out = value.to_number<double>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!value.is_string()) return wrong("a string");
    out.assign(value.get_string().data(), value.get_string().size());
  } else if constexpr (std::is_same_v<T, UtcTime>) {
    if (!value.is_string()) return wrong("an RFC 3339 time");
    auto time = parse_utc(value.get_string());
    if (!time) return wrong("an RFC 3339 time");
    out = *time;
  } else if constexpr (std::is_same_v<T, Uuid>) {
    if (!value.is_string()) return wrong("a UUID");
    auto id = parse_uuid(value.get_string());
    if (!id) return wrong("a UUID");
    out = *id;
  } else if constexpr (std::is_same_v<T, RawJson>) {
    out.text = boost::json::serialize(value);
  } else if constexpr (std::is_same_v<T, Scalars>) {
    const auto scalar = [&](const boost::json::value& v, std::string& text) {
      if (v.is_string()) text.assign(v.get_string().data(), v.get_string().size());
      else if (v.is_bool() || (v.is_number() && std::isfinite(v.to_number<double>()))) text = boost::json::serialize(v);
      else return false;
      return true;
    };
    out = {};
    if (value.is_array()) {
      out.is_list = true;
      for (const auto& item : value.get_array())
        if (!scalar(item, out.values.emplace_back())) return wrong("a scalar or a list of scalars");
    } else {
      out.is_bare = !value.is_string();
      if (!scalar(value, out.values.emplace_back())) return wrong("a scalar or a list of scalars");
      // Exponents and fractions of whole numbers: keep what a person reads.
      if (value.is_double()) out.values.front() = number_text(value.get_double());
    }
  } else if constexpr (detail::DescribedEnum<T>) {
    if (!value.is_string()) return wrong("a string");
    auto parsed = parse_enum<T>(std::string_view(value.get_string()));
    if (!parsed) return field_error(path, parsed.error().message);
    out = *parsed;
  } else if constexpr (detail::IsOptional<T>::value) {
    if (value.is_null()) {
      out.reset();
    } else {
      FFRTMP_TRY(decode_to(out.emplace(), value, unknown, path));
    }
  } else if constexpr (detail::IsVector<T>::value) {
    if (!value.is_array()) return wrong("a list");
    out.clear();
    for (const auto& item : value.get_array()) {
      const std::string name = cat(path, "[", out.size(), "]");
      FFRTMP_TRY(decode_to(out.emplace_back(), item, unknown, name));
    }
  } else if constexpr (detail::IsStringMap<T>::value) {
    if (!value.is_object()) return wrong("an object");
    out.clear();
    for (const auto& [key, item] : value.get_object()) {
      const std::string name(key);
      FFRTMP_TRY(decode_to(out[name], item, unknown, path.empty() ? name : cat(path, ".", name)));
    }
  } else {
    static_assert(detail::Described<T>, "describe the struct with BOOST_DESCRIBE_STRUCT");
    if (!value.is_object()) return path.empty() ? make_error(Errc::kInvalid, "the body must be a JSON object") : wrong("an object");
    const boost::json::object& object = value.get_object();
    std::size_t known = 0;
    Status status;
    boost::mp11::mp_for_each<detail::Members<T>>([&](auto d) {
      if (!status) return;
      const auto* member = object.if_contains(d.name);
      if (member == nullptr) return;
      ++known;
      if (member->is_null()) return;
      status = decode_to(out.*d.pointer, *member, unknown, path.empty() ? std::string(d.name) : cat(path, ".", d.name));
    });
    FFRTMP_TRY(std::move(status));
    if (unknown == UnknownKeys::kReject && known != object.size()) {
      for (const auto& member : object) {
        const auto key = member.key();
        bool found = false;
        Suggestion suggestion(key);
        boost::mp11::mp_for_each<detail::Members<T>>([&](auto d) {
          if (key == d.name) found = true;
          else suggestion.consider(d.name);
        });
        if (found) continue;
        const std::string name = path.empty() ? std::string(key) : cat(path, ".", std::string_view(key));
        return field_error(name, cat("unknown field", suggestion.text()));
      }
    }
  }
  return {};
}

// Parses one JSON document over `out`, whose members stay where the text says nothing. kInvalid for text that is no JSON
// (with its offset), kInvalidField for a wrong member.
template <class T>
[[nodiscard]] Result<T> decode(std::string_view text, UnknownKeys unknown = UnknownKeys::kReject, T out = {}) {
  // Both on the stack: small documents are read without allocating.
  unsigned char scratch[2048];
  unsigned char buffer[4096];
  boost::json::monotonic_resource arena(buffer, sizeof buffer);
  boost::json::stream_parser parser({}, {}, scratch, sizeof scratch);
  parser.reset(&arena);
  boost::system::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (!error && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    error = boost::json::error::extra_data;
  if (error) return make_error(Errc::kInvalid, cat("not valid JSON near byte ", used, ": ", error.message()));
  const boost::json::value value = parser.release();
  FFRTMP_TRY(decode_to(out, value, unknown, std::string{}));
  return out;
}

}  // namespace ffrtmp::json
