#include "cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
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

struct Switch {
  std::vector<std::string>* place;  // where its text goes
  std::string name;
  std::string text;
};

std::string nearest(std::string_view name, const std::set<std::string>& known) {
  Suggestion suggestion(name);
  for (const std::string& candidate : known) suggestion.consider(candidate);
  return suggestion.best();
}

class Parser {
 public:
  Parser(const std::vector<Command>& commands, const std::vector<FlagSpec>& globals) : globals_(globals) {
    prepare(root_);
    root_.description("runs, governs and measures FFmpeg");
    for (const FlagSpec& flag : globals) declare(root_, global_values_, flag);
    root_.add_flag("--version", want_version_, "print the version");
    for (const Command& command : commands) add(command);
  }

  Parsed parse(std::vector<std::string> arguments) {
    Parsed out;
    std::vector<std::string> rest = cut_rest(arguments);
    for (std::string& argument : arguments) double_dash(argument);
    join_switches(arguments);
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
    if (out.command != nullptr && !out.command->rest.empty() && rest.empty())
      out.errors.push_back(
          cat(out.command->rest, " is missing: ffrtmp ", out.command->path, " [flags] -- ", out.command->rest));
    out.invocation.rest = std::move(rest);
    return out;
  }

 private:
  // What stands behind "--" of a command that takes it, flags of another program most often.
  [[nodiscard]] std::vector<std::string> cut_rest(std::vector<std::string>& arguments) const {
    const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    const auto word = std::find_if(arguments.begin(), dashes, [](const std::string& a) { return !a.starts_with('-'); });
    const bool takes_rest = word != dashes && dashes != arguments.end() &&
                            std::any_of(leaves_.begin(), leaves_.end(), [&](const auto& leaf) {
                              return leaf->command->path == *word && !leaf->command->rest.empty();
                            });
    if (!takes_rest) return {};
    std::vector<std::string> rest(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
    return rest;
  }

  static void prepare(CLI::App& app) {
    app.allow_extras();
    app.fallthrough();
    app.formatter(std::make_shared<CLI::Formatter>());
    app.get_formatter()->column_width(kHelpColumn);
    app.set_help_flag("--help,-h", "print this help");
  }

  void declare(CLI::App& app, std::map<std::string, std::vector<std::string>>& values, const FlagSpec& flag) {
    auto& place = values[flag.name];
    known_flags_.insert(flag.name);
    const std::string help = cat(flag.help, flag.shown_default.empty() ? "" : cat(" [", flag.shown_default, "]"));
    CLI::Option* option = nullptr;
    if (flag.kind == config::Kind::kSwitch) {
      known_switches_.insert(flag.name);
      option = app.add_flag("--" + flag.name, switches_.emplace_back(Switch{&place, flag.name, ""}).text, help);
    } else {
      option = app.add_option("--" + flag.name, place, help)->expected(1)->allow_extra_args(false)->take_all();
      option->type_name(flag.kind == config::Kind::kList ? "TEXT ..." : "TEXT");
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
      if (!is_global(flag.name)) declare(*leaf->app, leaf->values, flag);
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
    if (argument.size() < 2 || argument[0] != '-' || argument[1] == '-') return;
    if (known_flags_.contains(argument.substr(1, argument.find('=') - 1))) argument.insert(0, 1, '-');
  }

  // "--tls false" is "--tls=false"; any other word behind a switch is none of its value.
  void join_switches(std::vector<std::string>& arguments) const {
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
      const bool is_switch = arguments[i].starts_with("--") && known_switches_.contains(arguments[i].substr(2));
      if (!is_switch || (arguments[i + 1] != "true" && arguments[i + 1] != "false")) continue;
      arguments[i] += "=" + arguments[i + 1];
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
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
    take_switches(out);
    out.command = leaf->command;
    out.invocation.command = leaf->command->path;
    out.invocation.positionals = leaf->positionals;
    take(out, global_values_);
    take(out, leaf->values);
    for (const FlagSpec& flag : leaf->command->flags) refuse_repeated(out, flag);
    for (const FlagSpec& flag : globals_) refuse_repeated(out, flag);
  }

  void take_switches(Parsed& out) {
    for (const auto& [place, name, text] : switches_) {
      if (text.empty()) continue;
      if (text != "true" && text != "false")
        out.errors.push_back(cat("--", name, ": must be true or false, not \"", escape(text), "\""));
      place->assign(1, text);
    }
  }

  static void take(Parsed& out, const std::map<std::string, std::vector<std::string>>& values) {
    for (const auto& [name, list] : values)
      if (!list.empty()) out.invocation.flags[name] = list;
  }

  static void refuse_repeated(Parsed& out, const FlagSpec& flag) {
    const auto at = out.invocation.flags.find(flag.name);
    if (at == out.invocation.flags.end() || flag.kind == config::Kind::kList || at->second.size() < 2) return;
    out.errors.push_back(cat("--", flag.name, " is given more than once"));
  }

  void report_rest(Parsed& out, const Leaf* leaf) const {
    bool after_flag = false;
    for (const std::string& rest : root_.remaining(true)) {
      if (rest == "--") continue;
      if (rest.starts_with('-') && rest.size() > 1) {
        out.errors.push_back(unknown_flag(rest, leaf));
        after_flag = rest.find('=') == std::string::npos;
        continue;
      }
      // What follows an unknown flag was its value, most likely.
      if (!after_flag) out.errors.push_back(unknown_word(rest, leaf));
      after_flag = false;
      if (leaf == nullptr) break;
    }
  }

  // What the command takes, or every flag there is while no command is known.
  [[nodiscard]] std::set<std::string> flags_near(const Leaf* leaf) const {
    if (leaf == nullptr) return known_flags_;
    std::set<std::string> names;
    for (const FlagSpec& flag : leaf->command->flags) names.insert(flag.name);
    for (const FlagSpec& flag : globals_) names.insert(flag.name);
    return names;
  }

  [[nodiscard]] std::string unknown_flag(const std::string& text, const Leaf* leaf) const {
    const std::string written = text.substr(0, text.find('='));
    const std::string name = written.substr(std::min(written.find_first_not_of('-'), written.size()));
    const std::string close = nearest(name, flags_near(leaf));
    return cat("unknown flag ", escape(written), close.empty() ? "" : cat(", did you mean --", close, "?"));
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
    return cat("unknown command \"", prefix, escape(word), "\"",
               close.empty() ? "" : cat(", did you mean \"", prefix, close, "\"?"));
  }

  std::vector<FlagSpec> globals_;
  CLI::App root_{"", "ffrtmp"};
  bool want_version_ = false;
  std::map<std::string, std::vector<std::string>> global_values_;
  std::map<std::string, CLI::App*> groups_;
  std::vector<std::unique_ptr<Leaf>> leaves_;
  std::deque<Switch> switches_;  // addresses of its texts are kept by CLI11
  std::set<std::string> known_flags_;
  std::set<std::string> known_switches_;
  std::set<std::string> known_commands_;
  std::map<std::string, std::set<std::string>> known_words_;
};

}  // namespace

Parsed parse(const std::vector<Command>& commands, const std::vector<FlagSpec>& globals,
             const std::vector<std::string>& arguments) {
  return Parser(commands, globals).parse(arguments);
}

}  // namespace ffrtmp::cli
