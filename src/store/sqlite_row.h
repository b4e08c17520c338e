#pragma once
// Described structs as rows: a member is the column of its name. Numbers, booleans, enumerators and times (microseconds
// since 1970, UTC) are INTEGER, Uuid is a BLOB of 16 bytes, strings are TEXT, everything composed is JSON text.
// Include from .cpp files only (JSON is heavy).
#include <string>

#include "json/json.h"
#include "store/sqlite_db.h"

namespace ffrtmp::store {

namespace row_detail {

template <class T>
struct Unwrapped {
  using type = T;
};
template <class T>
struct Unwrapped<std::optional<T>> {
  using type = T;
};

template <class T>
void bind_one(Statement& s, int at, const T& value) {
  if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
    s.bind(at, static_cast<std::int64_t>(value));
  else if constexpr (std::is_floating_point_v<T>)
    s.bind(at, static_cast<double>(value));
  else if constexpr (std::is_same_v<T, UtcTime>)
    s.bind(at, static_cast<std::int64_t>(value.time_since_epoch().count()));
  else if constexpr (std::is_same_v<T, Uuid>)
    s.bind_blob(at, value.bytes.data(), value.bytes.size());
  else if constexpr (std::is_convertible_v<const T&, std::string_view>)
    s.bind_text(at, value);
  else
    s.bind_text_copy(at, json::encode(value));
}

template <class E>
bool is_enumerator(std::int64_t number) {
  bool known = false;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(
      [&](auto d) { known = known || static_cast<std::int64_t>(d.value) == number; });
  return known;
}

template <class T>
Status read_one(const Statement& s, int column, T& out) {
  if constexpr (std::is_enum_v<T>) {
    const std::int64_t number = s.integer(column);
    if (!is_enumerator<T>(number)) return make_error(Errc::kCorrupt, cat("a stored value is damaged: ", number));
    out = static_cast<T>(number);
  } else if constexpr (std::is_integral_v<T>) {
    out = static_cast<T>(s.integer(column));
  } else if constexpr (std::is_floating_point_v<T>) {
    out = s.real(column);
  } else if constexpr (std::is_same_v<T, UtcTime>) {
    out = UtcTime(std::chrono::microseconds(s.integer(column)));
  } else if constexpr (std::is_same_v<T, Uuid>) {
    const std::string_view bytes = s.blob(column);
    if (bytes.size() != out.bytes.size()) return make_error(Errc::kCorrupt, "a stored id is damaged");
    std::memcpy(out.bytes.data(), bytes.data(), bytes.size());
  } else if constexpr (std::is_same_v<T, std::string>) {
    out = s.text(column);
  } else if (s.text(column) == "{}") {
    out = T{};
  } else {
    auto parsed = json::decode<T>(s.text(column), json::UnknownKeys::kIgnore);
    if (!parsed) return make_error(Errc::kCorrupt, cat("stored JSON is damaged: ", parsed.error().message));
    out = *std::move(parsed);
  }
  return {};
}

template <class T>
std::string each_member(const auto& text_of) {
  std::string out;
  int at = 0;
  boost::mp11::mp_for_each<json::detail::Members<T>>([&](auto d) {
    if (at != 0) out += ", ";
    out += text_of(std::string_view(d.name), at++);
  });
  return out;
}

}  // namespace row_detail

template <class T>
void bind_value(Statement& s, int at, const T& value) {
  if constexpr (json::detail::IsOptional<T>::value) {
    if (value)
      row_detail::bind_one(s, at, *value);
    else
      s.bind_null(at);
  } else {
    row_detail::bind_one(s, at, value);
  }
}

// Begins the statement and binds 1, 2, …
template <class... T>
Status bind_all(Statement& s, const T&... values) {
  FFRTMP_TRY(s.begin());
  int at = 0;
  (bind_value(s, ++at, values), ...);
  return {};
}

// Binds, and runs to the end.
template <class... T>
Status run(Statement& s, const T&... values) {
  FFRTMP_TRY(bind_all(s, values...));
  return s.run();
}

// JSON of the members that differ from a default T: reading keeps the defaults of the others, so this is shorter and
// faster both ways. A changed default of such a struct needs a migration.
template <class T>
[[nodiscard]] std::string changes_of(const T& value) {
  static const T kDefault{};
  std::string out = "{";
  boost::mp11::mp_for_each<json::detail::Members<T>>([&](auto d) {
    if (value.*d.pointer == kDefault.*d.pointer) return;
    out += cat(out.size() == 1 ? "\"" : ",\"", d.name, "\":");
    json::encode_to(out, value.*d.pointer);
  });
  return out += '}';
}

template <class T>
Status read_value(const Statement& s, int column, T& out) {
  if constexpr (json::detail::IsOptional<T>::value) {
    if (s.is_null(column)) {
      out.reset();
      return {};
    }
    return row_detail::read_one(s, column, out.emplace());
  } else {
    return row_detail::read_one(s, column, out);
  }
}

template <class T>
inline constexpr int kColumns = static_cast<int>(boost::mp11::mp_size<json::detail::Members<T>>::value);

// "a", "b"
template <class T>
[[nodiscard]] std::string columns() {
  return row_detail::each_member<T>([](std::string_view name, int) { return cat('"', name, '"'); });
}
// ?2, ?3
template <class T>
[[nodiscard]] std::string parameters(int first) {
  return row_detail::each_member<T>([first](std::string_view, int at) { return cat('?', first + at); });
}
// "a"=?2, "b"=?3
template <class T>
[[nodiscard]] std::string assignments(int first) {
  return row_detail::each_member<T>(
      [first](std::string_view name, int at) { return cat('"', name, "\"=?", first + at); });
}

template <class T>
void bind_row(Statement& s, int first, const T& row) {
  boost::mp11::mp_for_each<json::detail::Members<T>>([&](auto d) { bind_value(s, first++, row.*d.pointer); });
}

template <class T>
Status read_row(const Statement& s, int first, T& row) {
  Status status;
  boost::mp11::mp_for_each<json::detail::Members<T>>([&](auto d) {
    if (status) status = read_value(s, first, row.*d.pointer);
    ++first;
  });
  return status;
}

}  // namespace ffrtmp::store
