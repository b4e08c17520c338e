#include "watch/state_file.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/fault.h"
#include "base/ids.h"
#include "base/text.h"
#include "json/json.h"
#include "sys/file_io.h"

namespace ffrtmp::watch {
namespace {

constexpr std::size_t kMaxBytes = 256 << 20;  // 10,000 processes and 1,000 dead letters are 10 MiB
constexpr int kMajor = 1;

struct VersionOnly {
  std::string version;
};
BOOST_DESCRIBE_STRUCT(VersionOnly, (), (version))
struct StatisticsOnly {
  StateStatistics statistics;
};
BOOST_DESCRIBE_STRUCT(StatisticsOnly, (), (statistics))

std::string random_name() {
  std::array<std::uint8_t, 8> bytes;
  fill_random(bytes.data(), bytes.size());
  std::string text;
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

Status set_aside(const std::string& path, std::string_view why, UtcTime now, LoadedState& out) {
  out.set_aside = cat(path, ".", why, "-", format_utc(now));
  out.state = {};
  if (rename(path.c_str(), out.set_aside.c_str()) != 0) return last_sys_error(cat("rename ", path));
  return {};
}

void remove_leftovers(const std::string& path) {
  const std::filesystem::path file(path);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(file.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(file.filename().string() + ".") && name.ends_with(".tmp"))
      std::filesystem::remove(entry.path(), error);
  }
}

// 0: no version at all.
int major_of(const std::string& text) {
  const auto version = json::decode<VersionOnly>(text, json::UnknownKeys::kIgnore);
  if (!version) return 0;
  return static_cast<int>(
      parse_int(std::string_view(version->version).substr(0, version->version.find('.'))).value_or(0));
}

}  // namespace

Result<LoadedState> load_state(const std::string& path, const std::string& boot_id, UtcTime now) {
  LoadedState out;
  remove_leftovers(path);
  auto text = sys::read_text(path, kMaxBytes);
  if (!text && text.error().code == Errc::kGone) return out;
  if (!text && text.error().code != Errc::kTooLarge) return std::move(text).error();
  const int major = text ? major_of(*text) : 0;
  if (major > kMajor) {
    FFRTMP_TRY(set_aside(path, "unsupported", now, out));
    return out;
  }
  const bool is_old =
      text && json::decode<VersionOnly>(*text, json::UnknownKeys::kIgnore).value_or({}).version == "1.0";
  auto statistics =
      text ? json::decode<StatisticsOnly>(*text, json::UnknownKeys::kIgnore) : Result<StatisticsOnly>(text.error());
  auto state = is_old || !text ? Result<State>(State{}) : json::decode<State>(*text, json::UnknownKeys::kIgnore);
  if (major == 0 || !statistics || !state) {
    FFRTMP_TRY(set_aside(path, "corrupt", now, out));
    return out;
  }
  out.was_there = true;
  out.state = std::move(*state);
  out.state.version = State{}.version;
  out.state.statistics = statistics->statistics;
  if (is_old || out.state.boot_id != boot_id) {
    out.state.processes.clear();
    out.state.dead_letters.clear();
  }
  return out;
}

std::string encode_state(const State& state) { return json::encode(state) + "\n"; }

Status save_state(const std::string& path, const std::string& text, bool fsync) {
  FFRTMP_TRY(fault::check("flush", path));
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (!parent.empty()) FFRTMP_TRY(sys::make_directories(parent, 0755));
  return sys::write_atomic(path, cat(path, ".", random_name(), ".tmp"), text, 0600,
                           fsync ? sys::Sync::kYes : sys::Sync::kNo);
}

}  // namespace ffrtmp::watch
