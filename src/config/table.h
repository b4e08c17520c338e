#pragma once
// Settings as a table: one statement a setting says its name, its place, its range and its help. The command line, the
// configuration file, the environment and --help are all made of it.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "model/parameters.h"

namespace ffrtmp::config {

enum class Kind : std::uint8_t { kValue, kSwitch, kList };

struct Setting {
  std::string name;  // of the flag and of the key in a file: "state-dir"
  Kind kind = Kind::kValue;
  std::string help;
  std::string shown_default;                      // for --help; empty: none
  std::vector<std::string> variables;             // FFRTMP_NAME first, then names of old
  std::function<Status(const std::string&)> set;  // kInvalid says what is expected; a list is set item by item
  std::function<void()> clear;                    // of a list: forgets its default before the first item
};

class Table {
 public:
  using Variables = std::vector<std::string>;

  void text(std::string_view name, std::string& out, std::string_view help, Variables also = {});
  void flag(std::string_view name, bool& out, std::string_view help);
  void integer(std::string_view name, int& out, int low, int high, std::string_view help);
  // Absent unless it is said. `none`, where there is one, is the value that means absent. In units of `unit`.
  template <class T>
  void optional_integer(std::string_view name, std::optional<T>& out, std::int64_t low, std::int64_t high,
                        std::optional<std::int64_t> none, std::int64_t unit, std::string_view help) {
    parsed_integer(name, low, high, help, [&out, none, unit](std::int64_t number) {
      if (number == none)
        out.reset();
      else
        out = static_cast<T>(number * unit);
    });
  }
  void duration(std::string_view name, std::chrono::milliseconds& out, std::chrono::milliseconds low,
                std::string_view help);
  // Bytes, as "1048576" or "1MiB".
  void size(std::string_view name, std::int64_t& out, std::string_view help);
  // Repeated, or several behind commas.
  void list(std::string_view name, std::vector<std::string>& out, std::string_view help);
  // Repeated; a comma is part of a path.
  void paths(std::string_view name, std::vector<std::string>& out, std::string_view help);
  // Paths, and hosts as URLs (model/live_url.h, check_outlet).
  void outlets(std::string_view name, std::vector<std::string>& out, std::string_view help);
  // key=value, repeated.
  void pairs(std::string_view name, std::map<std::string, std::string>& out, std::string_view help);
  void log_level(std::string_view name, log::Level& out, std::string_view help);
  void log_format(std::string_view name, log::Format& out, std::string_view help);
  void verify_level(std::string_view name, model::VerifyLevel& out, std::string_view help);
  // Any text that `take` makes something of; its error says what is expected.
  void parsed(std::string_view name, std::string_view help, std::function<Status(const std::string&)> take);
  // One of a few words.
  void choice(std::string_view name, std::string& out, std::vector<std::string> words, std::string_view help);

  [[nodiscard]] const std::vector<Setting>& settings() const { return settings_; }
  [[nodiscard]] const Setting* find(std::string_view name) const;

 private:
  Setting& add(std::string_view name, std::string_view help, std::string shown_default);
  void parsed_integer(std::string_view name, std::int64_t low, std::int64_t high, std::string_view help,
                      std::function<void(std::int64_t)> take);
  std::vector<Setting> settings_;
};

// "1MiB", "512KiB", "4096": bytes. kInvalid otherwise.
[[nodiscard]] Result<std::int64_t> parse_size(std::string_view text);

}  // namespace ffrtmp::config
