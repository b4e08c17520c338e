#include "base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>

#include "base/clock.h"
#include "base/text.h"

namespace ffrtmp::log {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames{"debug", "info", "warn", "error"};
// sd-daemon(3) priorities: the journal reads "<N>" in front of a line.
constexpr std::array<char, 4> kPriorities{'7', '6', '4', '3'};

std::string g_component = "ffrtmp";
std::atomic<Level> g_lowest{Level::kInfo};
std::atomic<Format> g_format{Format::kText};
std::atomic<bool> g_journal{false};
std::atomic<Style> g_style{Style::kFull};

std::string local_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y/%m/%d %H:%M:%S", &parts));
}

std::string text_line(Level level, std::string_view message, Fields fields) {
  std::string line;
  if (g_journal) {
    line = cat("<", kPriorities[static_cast<std::size_t>(level)], ">");
  } else {
    line = cat("[", g_component, "] ", local_stamp(), " ");
  }
  if (g_style == Style::kMessageOnly) return line + escape(message);
  if (level >= Level::kWarn) line += cat(kLevelNames[static_cast<std::size_t>(level)], ": ");
  line += escape(message);
  for (const auto& [name, value] : fields) {
    const bool bare = !value.empty() && value.find_first_of(" \"\\=\t\n") == std::string::npos;
    line += bare ? cat(" ", name, "=", escape(value)) : cat(" ", name, "=\"", escape(value), "\"");
  }
  return line;
}

// JSON strings know \u00NN, not \xNN.
std::string json_string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_line(Level level, std::string_view message, Fields fields) {
  std::string line = cat("{\"ts\":", json_string(format_utc(SystemClock().now().utc)), ",\"level\":",
                         json_string(kLevelNames[static_cast<std::size_t>(level)]), ",\"component\":",
                         json_string(g_component), ",\"msg\":", json_string(message));
  // A pid is a number wherever we write JSON.
  for (const auto& [name, value] : fields)
    line += cat(",", json_string(name), ":", name == "pid" && parse_int(value) ? value : json_string(value));
  return line + '}';
}

template <std::size_t N>
Result<std::size_t> index_of(std::string_view text, const std::array<std::string_view, N>& names, std::string_view what) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return i;
  return make_error(Errc::kInvalid, cat("unknown ", what, " \"", escape(text), "\""));
}

}  // namespace

void configure(std::string component, Level lowest, Format format, Style style) {
  g_component = std::move(component);
  g_lowest = lowest;
  g_format = format;
  g_style = style;
  // systemd sets JOURNAL_STREAM for a service whose stderr is the journal (systemd.exec(5)).
  g_journal = std::getenv("JOURNAL_STREAM") != nullptr && isatty(STDERR_FILENO) == 0;
}

Result<Level> parse_level(std::string_view text) {
  FFRTMP_ASSIGN(const std::size_t index, index_of(text, kLevelNames, "log level"));
  return static_cast<Level>(index);
}

Result<Format> parse_format(std::string_view text) {
  constexpr std::array<std::string_view, 2> kNames{"text", "json"};
  FFRTMP_ASSIGN(const std::size_t index, index_of(text, kNames, "log format"));
  return static_cast<Format>(index);
}

bool enabled(Level level) { return level >= g_lowest; }

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  std::string line = g_format == Format::kJson ? json_line(level, message, fields) : text_line(level, message, fields);
  line += '\n';
  // One write a line: lines of several processes on one stderr do not mix. A log that cannot be written is not an
  // error anybody could act on.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace ffrtmp::log
