#pragma once
// Commands as data: what the parser, --help and the dispatcher are made of.
#include <functional>
#include <string>
#include <vector>

#include "config/sources.h"
#include "config/table.h"

namespace ffrtmp::cli {

struct FlagSpec {
  std::string name;  // without dashes
  config::Kind kind = config::Kind::kValue;
  std::string help;
  std::string shown_default{};
  bool hidden = false;
};

struct PositionalSpec {
  std::string name;  // "JOB"
  std::string help;
  bool required = true;
};

// One command line, read.
struct Invocation {
  std::string command;  // "jobs submit"
  config::Flags flags;  // global ones too
  std::vector<std::string> positionals;
  std::vector<std::string> rest;  // behind "--", for a command that takes it

  [[nodiscard]] bool has(const std::string& flag) const { return flags.contains(flag); }
  // The value of a flag that may stand once; empty when absent.
  [[nodiscard]] std::string value(const std::string& flag) const;
  [[nodiscard]] std::vector<std::string> values(const std::string& flag) const;
};

struct Command {
  std::string path;  // one or two words
  std::string help;
  std::vector<PositionalSpec> positionals;
  std::vector<FlagSpec> flags;
  bool hidden = false;
  std::function<int(const Invocation&)> run;  // the process's exit code
  std::string rest{};                         // what has to stand behind "--", unread: "CMD"; empty: nothing
};

// Flags that are settings.
[[nodiscard]] std::vector<FlagSpec> flags_of(const config::Table& table);

}  // namespace ffrtmp::cli
