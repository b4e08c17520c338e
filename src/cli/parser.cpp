#include "cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "base/text.h"
#include "base/version.h"

namespace ffrtmp::cli {
namespace {

constexpr std::size_t kHelpColumn = 34;  // where a flag's explanation begins

struct Leaf {
  const Command* command = nullptr;
  CLI::App* app = nullptr;
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> positionals;
};

std::string nearest(std::string_view name, const std::set<std::string>& known) {
  std::string best;
  std::size_t best_distance = 3;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

class Parser {
 public:
  Parser(const std::vector<Command>& commands, const std::vector<FlagSpec>& globals) : globals_(globals) {
    prepare(root_);
    root_.description("runs, governs and measures FFmpeg");
    for (const FlagSpec& flag : globals) declare(root_, global_values_, flag, true);
    root_.add_flag("--version", want_version_, "print the version");
    for (const Command& command : commands) add(command);
  }

  Parsed parse(std::vector<std::string> arguments) {
    Parsed out;
    for (std::string& argument : arguments) double_dash(argument);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 reads its vector from the back
    try {
      root_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      out.text = help();
      return out;
    } catch (const CLI::ParseError& error) {
      for (const auto line : split(error.what(), '\n'))
        if (!trim(line).empty()) out.errors.emplace_back(trim(line));
      return out;
    }
    if (want_version_) {
      out.text = cat("ffrtmp ", version(), "\n");
      return out;
    }
    read(out);
    return out;
  }

 private:
  static void prepare(CLI::App& app) {
    app.allow_extras();
    app.fallthrough();
    app.formatter(std::make_shared<CLI::Formatter>());
    app.get_formatter()->column_width(kHelpColumn);
    app.set_help_flag("--help,-h", "print this help");
  }

  void declare(CLI::App& app, std::map<std::string, std::vector<std::string>>& values, const FlagSpec& flag, bool is_global) {
    auto& place = values[flag.name];
    known_flags_.insert(flag.name);
    const std::string help = cat(flag.help, flag.shown_default.empty() ? "" : cat(" [", flag.shown_default, "]"));
    CLI::Option* option = nullptr;
    if (flag.kind == config::Kind::kSwitch && is_global) {
      // A global switch stands before sub-commands: it takes no value, or it would swallow their name.
      option = app.add_flag_callback("--" + flag.name, [&place] { place.assign(1, "true"); }, help);
    } else {
      option = app.add_option("--" + flag.name, place, help);
      option->type_name(flag.kind == config::Kind::kSwitch ? "" : flag.kind == config::Kind::kList ? "TEXT ..." : "TEXT");
      option->allow_extra_args(false);
      option->take_all();
      if (flag.kind == config::Kind::kSwitch) option->expected(0, 1);
      else option->expected(1);
    }
    if (flag.hidden) option->group("");
  }

  CLI::App& group(const std::string& name) {
    auto& app = groups_[name];
    if (app == nullptr) {
      app = root_.add_subcommand(name, cat("commands on ", name));
      prepare(*app);
    }
    return *app;
  }

  void add(const Command& command) {
    const auto words = split(command.path, ' ');
    CLI::App& parent = words.size() > 1 ? group(std::string(words[0])) : root_;
    known_commands_.insert(std::string(words[0]));
    if (words.size() > 1) known_words_[std::string(words[0])].insert(std::string(words[1]));
    auto leaf = std::make_unique<Leaf>();
    leaf->command = &command;
    leaf->app = parent.add_subcommand(std::string(words.back()), command.help);
    prepare(*leaf->app);
    if (command.hidden) leaf->app->group("");
    for (const FlagSpec& flag : command.flags)
      if (!is_global(flag.name)) declare(*leaf->app, leaf->values, flag, false);
    for (const PositionalSpec& positional : command.positionals) {
      auto* option = leaf->app->add_option(positional.name, leaf->positionals, positional.help);
      option->expected(positional.required ? 1 : 0, 1);
    }
    leaves_.push_back(std::move(leaf));
  }

  [[nodiscard]] bool is_global(const std::string& name) const {
    return std::any_of(globals_.begin(), globals_.end(), [&](const FlagSpec& flag) { return flag.name == name; });
  }

  // "-port" is "--port" when there is such a flag.
  void double_dash(std::string& argument) const {
    if (argument.size() < 3 || argument[0] != '-' || argument[1] == '-') return;
    if (known_flags_.contains(argument.substr(1, argument.find('=') - 1))) argument.insert(0, 1, '-');
  }

  [[nodiscard]] const Leaf* chosen() const {
    for (const auto& leaf : leaves_)
      if (leaf->app->parsed()) return leaf.get();
    return nullptr;
  }

  std::string help() {
    // The help flag throws in the app it was given to; the deepest one that was named is meant.
    CLI::App* app = &root_;
    for (const auto& [name, sub] : groups_)
      if (sub->parsed()) app = sub;
    if (const Leaf* leaf = chosen()) app = leaf->app;
    std::string text = app->help();
    if (app != &root_) text += "\nGlobal flags: ffrtmp --help\n";
    return text;
  }

  void read(Parsed& out) {
    const Leaf* leaf = chosen();
    report_rest(out, leaf);
    if (!out.errors.empty()) return;
    if (leaf == nullptr) {
      out.text = help();
      return;
    }
    for (const PositionalSpec& positional : leaf->command->positionals)
      if (positional.required && leaf->positionals.empty()) out.errors.push_back(cat(positional.name, " is missing"));
    out.command = leaf->command;
    out.invocation.command = leaf->command->path;
    out.invocation.positionals = leaf->positionals;
    take(out, global_values_);
    take(out, leaf->values);
    for (const FlagSpec& flag : leaf->command->flags) normalise(out, flag);
    for (const FlagSpec& flag : globals_) normalise(out, flag);
  }

  static void take(Parsed& out, const std::map<std::string, std::vector<std::string>>& values) {
    for (const auto& [name, list] : values)
      if (!list.empty()) out.invocation.flags[name] = list;
  }

  // A switch without a value means true; what may stand once may stand once.
  static void normalise(Parsed& out, const FlagSpec& flag) {
    const auto at = out.invocation.flags.find(flag.name);
    if (at == out.invocation.flags.end()) return;
    for (std::string& value : at->second)
      if (flag.kind == config::Kind::kSwitch && (value.empty() || value == "{}")) value = "true";
    if (flag.kind != config::Kind::kList && at->second.size() > 1) out.errors.push_back(cat("--", flag.name, " is given more than once"));
  }

  void report_rest(Parsed& out, const Leaf* leaf) const {
    bool after_flag = false;
    for (const std::string& rest : root_.remaining(true)) {
      if (rest == "--") continue;
      if (rest.starts_with('-') && rest.size() > 1) {
        out.errors.push_back(unknown_flag(rest));
        after_flag = rest.find('=') == std::string::npos;
        continue;
      }
      // What follows an unknown flag was its value, most likely.
      if (!after_flag) out.errors.push_back(unknown_word(rest, leaf));
      after_flag = false;
      if (leaf == nullptr) break;
    }
  }

  [[nodiscard]] std::string unknown_flag(const std::string& text) const {
    std::string name = text.substr(text.find_first_not_of('-') == std::string::npos ? text.size() : text.find_first_not_of('-'));
    name = name.substr(0, name.find('='));
    const std::string close = nearest(name, known_flags_);
    return cat("unknown flag ", escape(text.substr(0, text.find('='))), close.empty() ? "" : cat(", did you mean --", close, "?"));
  }

  [[nodiscard]] std::string unknown_word(const std::string& word, const Leaf* leaf) const {
    if (leaf != nullptr) return cat("unexpected argument \"", escape(word), "\"");
    const std::set<std::string>* known = &known_commands_;
    std::string prefix;
    for (const auto& [name, sub] : groups_) {
      if (!sub->parsed()) continue;
      known = &known_words_.at(name);
      prefix = name + " ";
    }
    const std::string close = nearest(word, *known);
    return cat("unknown command \"", prefix, escape(word), "\"", close.empty() ? "" : cat(", did you mean \"", prefix, close, "\"?"));
  }

  std::vector<FlagSpec> globals_;
  CLI::App root_{"", "ffrtmp"};
  bool want_version_ = false;
  std::map<std::string, std::vector<std::string>> global_values_;
  std::map<std::string, CLI::App*> groups_;
  std::vector<std::unique_ptr<Leaf>> leaves_;
  std::set<std::string> known_flags_;
  std::set<std::string> known_commands_;
  std::map<std::string, std::set<std::string>> known_words_;
};

}  // namespace

Parsed parse(const std::vector<Command>& commands, const std::vector<FlagSpec>& globals,
             const std::vector<std::string>& arguments) {
  return Parser(commands, globals).parse(arguments);
}

}  // namespace ffrtmp::cli
