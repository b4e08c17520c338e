#pragma once
// The log: one line an event, on stderr. Text for people, JSON for machines; values are escaped, so a line stays a line.
// Return an error or log it, never both. Any thread.
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace ffrtmp::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kJson };

// What a text line shows besides its message: its level when that is a warning, and the fields; or nothing at all, for
// logs whose lines are fixed by a contract. JSON lines always hold everything.
enum class Style { kFull, kMessageOnly };

using Field = std::pair<std::string_view, std::string>;
using Fields = std::initializer_list<Field>;

// Sets component ("master", "worker"), lowest level and format of this process; call once in main.
void configure(std::string component, Level lowest, Format format, Style style = Style::kFull);
[[nodiscard]] Result<Level> parse_level(std::string_view text);
[[nodiscard]] Result<Format> parse_format(std::string_view text);
[[nodiscard]] bool enabled(Level level);

void write(Level level, std::string_view message, Fields fields);
inline void debug(std::string_view message, Fields fields = {}) { write(Level::kDebug, message, fields); }
inline void info(std::string_view message, Fields fields = {}) { write(Level::kInfo, message, fields); }
inline void warn(std::string_view message, Fields fields = {}) { write(Level::kWarn, message, fields); }
inline void error(std::string_view message, Fields fields = {}) { write(Level::kError, message, fields); }

}  // namespace ffrtmp::log
