#include "config/table.h"

#include <algorithm>
#include <array>
#include <memory>

#include "base/text.h"
#include "model/live_url.h"

namespace ffrtmp::config {
namespace {

Error expected(std::string_view what) { return make_error(Errc::kInvalid, cat("must be ", what)); }

std::string variable_of(std::string_view name) {
  std::string out = "FFRTMP_";
  for (const char c : name) out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

constexpr std::array<std::string_view, 3> kVerifyNames{"packets", "sample", "full"};

std::string shown_size(std::int64_t bytes) {
  if (bytes > 0 && bytes % (1 << 20) == 0) return cat(bytes >> 20, "MiB");
  if (bytes > 0 && bytes % (1 << 10) == 0) return cat(bytes >> 10, "KiB");
  return cat(bytes);
}

}  // namespace

Result<std::int64_t> parse_size(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t bytes;
  };
  constexpr std::array kUnits{Unit{"KiB", 1LL << 10}, Unit{"MiB", 1LL << 20}, Unit{"GiB", 1LL << 30}};
  std::int64_t factor = 1;
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    factor = unit.bytes;
    text.remove_suffix(unit.name.size());
    break;
  }
  const auto number = parse_int(text);
  if (!number || *number < 0 || *number > (1LL << 50) / factor)
    return expected("a size such as 1048576, 512KiB or 3MiB");
  return *number * factor;
}

Setting& Table::add(std::string_view name, std::string_view help, std::string shown_default) {
  Setting& setting = settings_.emplace_back();
  setting.name = name;
  setting.help = help;
  setting.shown_default = std::move(shown_default);
  setting.variables = {variable_of(name)};
  return setting;
}

const Setting* Table::find(std::string_view name) const {
  const auto at = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& s) { return s.name == name; });
  return at == settings_.end() ? nullptr : &*at;
}

void Table::text(std::string_view name, std::string& out, std::string_view help, Variables also) {
  Setting& setting = add(name, help, out);
  setting.variables.insert(setting.variables.end(), also.begin(), also.end());
  setting.set = [&out](const std::string& text) -> Status {
    out = text;
    return {};
  };
}

void Table::flag(std::string_view name, bool& out, std::string_view help) {
  Setting& setting = add(name, help, out ? "true" : "false");
  setting.kind = Kind::kSwitch;
  setting.set = [&out](const std::string& text) -> Status {
    const std::string lower = to_lower(text);
    const bool yes = lower == "true" || lower == "1" || lower == "yes";
    if (!yes && lower != "false" && lower != "0" && lower != "no") return expected("true or false");
    out = yes;
    return {};
  };
}

void Table::integer(std::string_view name, int& out, int low, int high, std::string_view help) {
  add(name, help, cat(out)).set = [&out, low, high](const std::string& text) -> Status {
    const auto number = parse_int(text);
    if (!number || *number < low || *number > high) return expected(cat("a whole number from ", low, " to ", high));
    out = static_cast<int>(*number);
    return {};
  };
}

void Table::parsed_integer(std::string_view name, std::int64_t low, std::int64_t high, std::string_view help,
                           std::function<void(std::int64_t)> take) {
  add(name, help, "").set = [low, high, take = std::move(take)](const std::string& text) -> Status {
    const auto number = parse_int(text);
    if (!number || *number < low || *number > high) return expected(cat("a whole number from ", low, " to ", high));
    take(*number);
    return {};
  };
}

void Table::parsed(std::string_view name, std::string_view help, std::function<Status(const std::string&)> take) {
  add(name, help, "").set = std::move(take);
}

void Table::duration(std::string_view name, std::chrono::milliseconds& out, std::chrono::milliseconds low,
                     std::string_view help) {
  add(name, help, format_duration(out)).set = [&out, low](const std::string& text) -> Status {
    const auto value = parse_duration(text);
    if (!value) return expected(cat("a duration such as 30s or 1m30s"));
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(*value);
    if (whole < low) return expected(cat("at least ", format_duration(low)));
    out = whole;
    return {};
  };
}

void Table::size(std::string_view name, std::int64_t& out, std::string_view help) {
  add(name, help, shown_size(out)).set = [&out](const std::string& text) -> Status {
    FFRTMP_ASSIGN(out, parse_size(text));
    return {};
  };
}

void Table::list(std::string_view name, std::vector<std::string>& out, std::string_view help) {
  Setting& setting = add(name, help, join(out, ", "));
  setting.kind = Kind::kList;
  setting.clear = [&out] { out.clear(); };
  setting.set = [&out](const std::string& text) -> Status {
    for (const auto part : split(text, ','))
      if (!trim(part).empty()) out.emplace_back(trim(part));
    return {};
  };
}

void Table::paths(std::string_view name, std::vector<std::string>& out, std::string_view help) {
  Setting& setting = add(name, help, join(out, ", "));
  setting.kind = Kind::kList;
  setting.clear = [&out] { out.clear(); };
  setting.set = [&out](const std::string& text) -> Status {
    out.push_back(text);
    return {};
  };
}

void Table::outlets(std::string_view name, std::vector<std::string>& out, std::string_view help) {
  paths(name, out, help);
  settings_.back().set = [&out](const std::string& text) -> Status {
    if (text.find("://") != std::string::npos) FFRTMP_TRY(model::check_outlet(text));
    out.push_back(text);
    return {};
  };
}

void Table::pairs(std::string_view name, std::map<std::string, std::string>& out, std::string_view help) {
  Setting& setting = add(name, help, "");
  setting.kind = Kind::kList;
  setting.clear = [&out] { out.clear(); };
  setting.set = [&out](const std::string& text) -> Status {
    for (const auto part : split(text, ',')) {
      const std::size_t equals = part.find('=');
      if (equals == 0 || equals == std::string_view::npos) return expected("key=value");
      out[std::string(trim(part.substr(0, equals)))] = std::string(trim(part.substr(equals + 1)));
    }
    return {};
  };
}

void Table::log_level(std::string_view name, log::Level& out, std::string_view help) {
  add(name, help, "info").set = [&out](const std::string& text) -> Status {
    FFRTMP_ASSIGN(out, log::parse_level(text));
    return {};
  };
}

void Table::log_format(std::string_view name, log::Format& out, std::string_view help) {
  add(name, help, "text").set = [&out](const std::string& text) -> Status {
    FFRTMP_ASSIGN(out, log::parse_format(text));
    return {};
  };
}

void Table::verify_level(std::string_view name, model::VerifyLevel& out, std::string_view help) {
  add(name, help, std::string(kVerifyNames[static_cast<std::size_t>(out)])).set =
      [&out](const std::string& text) -> Status {
    const auto at = std::find(kVerifyNames.begin(), kVerifyNames.end(), text);
    if (at == kVerifyNames.end()) return expected("packets, sample or full");
    out = static_cast<model::VerifyLevel>(at - kVerifyNames.begin());
    return {};
  };
}

void Table::choice(std::string_view name, std::string& out, std::vector<std::string> words, std::string_view help) {
  add(name, help, out).set = [&out, words = std::move(words)](const std::string& text) -> Status {
    if (std::find(words.begin(), words.end(), text) == words.end()) return expected(join(words, " or "));
    out = text;
    return {};
  };
}

}  // namespace ffrtmp::config
