#include "cli/completion.h"

#include <map>
#include <set>

#include "base/text.h"
#include "cli/shell_text.h"

namespace ffrtmp::cli {
namespace {

struct Word {
  std::string text;  // a command's word, or a flag with its dashes
  std::string help;
};

// What may follow on each place of a command line: "" the first word, "jobs" its second, "jobs list" the flags.
struct Tree {
  std::map<std::string, std::vector<Word>> words;
  std::set<std::string> valued;  // flags that take the next word
};

void add_flags(Tree& tree, std::vector<Word>& to, const std::vector<FlagSpec>& flags) {
  for (const FlagSpec& flag : flags) {
    if (flag.hidden) continue;
    to.push_back({"--" + flag.name, flag.help});
    if (flag.kind != config::Kind::kSwitch) tree.valued.insert("--" + flag.name);
  }
}

Tree tree_of(const std::vector<Command>& commands, const std::vector<FlagSpec>& globals) {
  Tree tree;
  for (const Command& command : commands) {
    if (command.hidden) continue;
    const std::size_t blank = command.path.find(' ');
    const std::string first = command.path.substr(0, blank);
    if (blank == std::string::npos) {
      tree.words[""].push_back({first, command.help});
    } else {
      if (!tree.words.contains(first)) tree.words[""].push_back({first, cat("commands on ", first)});
      tree.words[first].push_back({command.path.substr(blank + 1), command.help});
    }
    std::vector<Word>& flags = tree.words[command.path];
    add_flags(tree, flags, command.flags);
    add_flags(tree, flags, globals);
  }
  add_flags(tree, tree.words[""], globals);
  return tree;
}

std::string joined(const std::set<std::string>& words, std::string_view by) {
  std::string out;
  for (const std::string& word : words) out += cat(out.empty() ? "" : by, word);
  return out;
}

// The loop that bash and zsh share: the command's words are gathered in `command` and its arguments passed over; `skip`
// is left set when the value of a flag is wanted now.
std::string gather(const Tree& tree, std::string_view word_at_i) {
  std::string groups = "''";
  for (const auto& [place, words] : tree.words)
    if (!place.empty() && !words.front().text.starts_with('-')) groups += "|" + place;
  return cat("    word=", word_at_i, "\n    if [[ -n $skip ]]; then skip=; continue; fi\n    case $word in\n      ",
             joined(tree.valued, "|"), ") skip=1 ;;\n      -*) ;;\n      *) case $command in ", groups,
             ") command=\"${command:+$command }$word\" ;; esac ;;\n    esac\n");
}

std::string bash_script(const Tree& tree) {
  std::string out =
      cat("# ffrtmp in bash: source <(ffrtmp completion bash)\n_ffrtmp() {\n"
          "  local cur=${COMP_WORDS[COMP_CWORD]} command= skip= word words= i\n  COMPREPLY=()\n"
          "  for ((i = 1; i < COMP_CWORD; i++)); do\n",
          gather(tree, "${COMP_WORDS[i]}"),
          "  done\n  if [[ -n $skip ]]; then COMPREPLY=($(compgen -f -- \"$cur\")); return; fi\n"
          "  case $command in\n");
  for (const auto& [place, words] : tree.words) {
    std::string list;
    for (const Word& word : words) list += cat(list.empty() ? "" : " ", word.text);
    out += cat("    ", shell_word(place), ") words=", shell_word(list), " ;;\n");
  }
  return out +
         "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o bashdefault -F _ffrtmp ffrtmp\n";
}

std::string zsh_script(const Tree& tree) {
  std::string out =
      cat("#compdef ffrtmp\n# ffrtmp in zsh: source <(ffrtmp completion zsh)\n_ffrtmp() {\n"
          "  local command= skip= word i\n  local -a choices\n  for ((i = 2; i < CURRENT; i++)); do\n",
          gather(tree, "${words[i]}"), "  done\n  if [[ -n $skip ]]; then _files; return; fi\n  case $command in\n");
  for (const auto& [place, words] : tree.words) {
    out += cat("    ", shell_word(place), ") choices=(");
    for (const Word& word : words) out += cat("\n      ", shell_word(cat(word.text, ":", word.help)));
    out += ") ;;\n";
  }
  return out + "    *) _files; return ;;\n  esac\n  _describe 'ffrtmp' choices\n}\ncompdef _ffrtmp ffrtmp\n";
}

// What fish has to have seen for a place, as the condition of a completion.
std::string fish_condition(const Tree& tree, const std::string& place) {
  if (place.empty()) return "__fish_use_subcommand";
  const std::size_t blank = place.find(' ');
  const std::string first = place.substr(0, blank);
  if (blank != std::string::npos)
    return cat("__fish_seen_subcommand_from ", first, "; and __fish_seen_subcommand_from ", place.substr(blank + 1));
  std::string seconds;
  for (const Word& word : tree.words.at(first))
    if (!word.text.starts_with('-')) seconds += " " + word.text;
  return cat("__fish_seen_subcommand_from ", first,
             seconds.empty() ? "" : cat("; and not __fish_seen_subcommand_from", seconds));
}

std::string fish_script(const Tree& tree) {
  std::string out = "# ffrtmp in fish: ffrtmp completion fish | source\ncomplete -c ffrtmp -f\n";
  for (const auto& [place, words] : tree.words) {
    const std::string condition = shell_word(fish_condition(tree, place));
    for (const Word& word : words) {
      const bool is_flag = word.text.starts_with("--");
      out +=
          cat("complete -c ffrtmp -n ", condition, is_flag ? " -l " : " -a ", is_flag ? word.text.substr(2) : word.text,
              tree.valued.contains(word.text) ? " -r -F" : "", " -d ", shell_word(word.help), "\n");
    }
  }
  return out;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell, const std::vector<Command>& commands,
                                      const std::vector<FlagSpec>& globals) {
  const Tree tree = tree_of(commands, globals);
  if (shell == "bash") return bash_script(tree);
  if (shell == "zsh") return zsh_script(tree);
  if (shell == "fish") return fish_script(tree);
  return make_error(Errc::kInvalid, cat("SHELL must be bash, zsh or fish, not \"", escape(shell), "\""));
}

}  // namespace ffrtmp::cli
