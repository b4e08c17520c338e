#include "watch/policy_loader.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "config/document.h"
#include "watch/policy_keys.h"

namespace ffrtmp::watch {
namespace {

using config::Kind;
using config::Node;
using govern::Policy;
using govern::Provenance;
using govern::Rule;
using Errors = std::vector<std::string>;

std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }

std::string suggestion(const std::string& name, const std::set<std::string>& known) {
  Suggestion nearest(name);
  for (const std::string& candidate : known) nearest.consider(candidate);
  return nearest.text();
}

// Keys of one part of the file, and where their provenance is kept.
struct Section {
  std::string prefix;  // "default_limits."
  std::vector<PolicyKey> keys;
  Provenance* places = nullptr;
  bool by_last_part = false;
};

std::vector<Section> global_sections(Policy& policy) {
  return {{"", daemon_keys(policy), &policy.places, false},
          {"", match_keys(policy.defaults.match), &policy.defaults.places, true},
          {"default_limits.", limit_keys(policy.defaults.limits), &policy.defaults.places, true},
          {"filters.", filter_keys(policy.defaults.filters), &policy.defaults.places, true}};
}

std::vector<Section> command_sections(Rule& rule) {
  return {{"", match_keys(rule.match), &rule.places, true},
          {"limits.", limit_keys(rule.limits), &rule.places, true},
          {"filters.", filter_keys(rule.filters), &rule.places, true}};
}

struct Target {
  const PolicyKey* key;
  Provenance* places;
  std::string place_name;
};

std::map<std::string, Target> targets_of(const std::vector<Section>& sections) {
  std::map<std::string, Target> targets;
  for (const Section& section : sections)
    for (const PolicyKey& key : section.keys)
      targets.emplace(section.prefix + key.path,
                      Target{&key, section.places, section.by_last_part ? last_part(key.path) : key.path});
  return targets;
}

// Reads maps of known keys out of a document, with everything that is wrong in it.
class FileReader {
 public:
  FileReader(Errors& errors, const std::string& shown_prefix) : errors_(errors), shown_prefix_(shown_prefix) {}

  void read(const Node& map, const std::map<std::string, Target>& targets, const std::string& prefix,
            const std::set<std::string>& also_known = {}) {
    std::set<std::string> seen;
    for (const auto& [key, value] : map.entries) {
      const std::string path = prefix + key.text;
      if (!seen.insert(key.text).second) {
        fail(key, path, "stands twice");
      } else if (prefix.empty() && also_known.contains(key.text)) {
        continue;
      } else if (const auto at = targets.find(path); at != targets.end()) {
        set(at->second, path, value);
      } else if (is_section(targets, path)) {
        if (value.kind == Node::Kind::kMap)
          read(value, targets, path + ".");
        else if (value.kind != Node::Kind::kNull)
          fail(value, path, "must be a map");
      } else {
        fail(key, path, "unknown key" + suggestion(key.text, siblings(targets, prefix, also_known)));
      }
    }
  }

  void fail(const Node& node, const std::string& path, const std::string& problem) {
    errors_.push_back(cat(node.place.str(), ": ", shown_prefix_, escape(path), ": ", problem));
  }

 private:
  static bool is_section(const std::map<std::string, Target>& targets, const std::string& path) {
    const auto at = targets.lower_bound(path + ".");
    return at != targets.end() && at->first.starts_with(path + ".");
  }

  static std::set<std::string> siblings(const std::map<std::string, Target>& targets, const std::string& prefix,
                                        const std::set<std::string>& also_known) {
    std::set<std::string> names;
    if (prefix.empty()) names = also_known;
    for (const auto& [path, target] : targets)
      if (path.starts_with(prefix))
        names.insert(path.substr(prefix.size(), path.find('.', prefix.size()) - prefix.size()));
    return names;
  }

  void set(const Target& target, const std::string& path, const Node& value) {
    std::vector<std::string> texts;
    const bool is_list = target.key->kind == Kind::kList;
    if (is_list && value.kind == Node::Kind::kList) {
      for (const Node& item : value.items) {
        if (item.kind != Node::Kind::kScalar) return fail(item, path, "must be a list of plain values");
        texts.push_back(item.text);
      }
    } else if (!is_list && value.kind == Node::Kind::kScalar) {
      texts.push_back(value.text);
    } else {
      return fail(value, path, is_list ? "must be a list" : "must be a plain value");
    }
    if (const auto problem = target.key->set(texts)) {
      fail(value, path,
           is_list ? *problem : cat("invalid ", shown_prefix_, path, ": \"", escape(texts.front()), "\": ", *problem));
      return;
    }
    (*target.places)[target.place_name] = cat(value.place.file, ":", value.place.line);
  }

  Errors& errors_;
  const std::string& shown_prefix_;
};

std::vector<std::string> items_of(const PolicyKey& key, const std::vector<std::string>& texts) {
  if (key.kind != Kind::kList) return texts;
  std::vector<std::string> items;
  for (const std::string& text : texts)
    for (const std::string_view part : split(text, ','))
      if (!trim(part).empty()) items.emplace_back(trim(part));
  return items;
}

void set_from(const Target& target, const std::string& path, const std::vector<std::string>& texts,
              const std::string& source, const std::string& place, Errors& errors) {
  if (const auto problem = target.key->set(items_of(*target.key, texts))) {
    errors.push_back(cat("invalid ", path, ": \"", escape(join(texts, ",")), "\": ", *problem, " (", source, ")"));
    return;
  }
  (*target.places)[target.place_name] = place;
}

void read_commands(const Node& map, Policy& policy, LoadedPolicy& out) {
  static const std::string kPrefix = "commands.";
  FileReader names(out.errors, kPrefix);
  std::set<std::string> seen;
  for (const auto& [name, body] : map.entries) {
    if (!seen.insert(name.text).second) {
      names.fail(name, name.text, "stands twice");
      continue;
    }
    if (body.kind != Node::Kind::kMap && body.kind != Node::Kind::kNull) {
      names.fail(body, name.text, "must be a map");
      continue;
    }
    const auto& targets = policy.target_commands;
    if (std::find(targets.begin(), targets.end(), name.text) == targets.end())
      out.warnings.push_back(cat(name.place.str(), ": commands.", escape(name.text), ": is not in target_commands"));
    Rule& rule = policy.commands.emplace(name.text, policy.defaults).first->second;
    const std::vector<Section> sections = command_sections(rule);
    const std::string prefix = cat(kPrefix, escape(name.text), ".");
    FileReader(out.errors, prefix).read(body, targets_of(sections), "");
  }
}

// Where to point at for a fault of two keys together: the one that was written, or what it is called.
std::string place_or(const std::string& place, const std::string& path) {
  return place == "flag" || place == "env" || place == "default" ? path : cat(place, ": ", path);
}

void check_rule(const std::string& limits_prefix, const std::string& filters_prefix, const Rule& rule, Errors& errors) {
  const auto& limits = rule.limits;
  if (limits.memory_high_bytes && limits.memory_limit_bytes && *limits.memory_high_bytes > *limits.memory_limit_bytes)
    errors.push_back(cat(place_or(rule.place_of("memory_high"), limits_prefix + "memory_high"),
                         ": must be at most memory_limit (", *limits.memory_limit_bytes >> 20, ")"));
  const auto& filters = rule.filters;
  if (filters.max_runtime.count() > 0 && filters.min_runtime > filters.max_runtime)
    errors.push_back(cat(place_or(rule.place_of("min_runtime"), filters_prefix + "min_runtime"),
                         ": must be at most max_runtime (", format_duration(filters.max_runtime), ")"));
}

void check_together(Policy& policy, Errors& errors) {
  if (policy.retry.max_backoff < policy.retry.initial_backoff)
    errors.push_back(cat(place_or(policy.place_of("retry.max_backoff"), "retry.max_backoff"),
                         ": must be at least initial_backoff (", format_duration(policy.retry.initial_backoff), ")"));
  auto& age = policy.health.max_scan_age;
  if (age.count() == 0) {
    age = std::max<std::chrono::nanoseconds>(std::chrono::minutes(2), 3 * policy.scan_interval);
  } else if (age <= policy.scan_interval) {
    errors.push_back(cat(place_or(policy.place_of("health.max_scan_age"), "health.max_scan_age"),
                         ": must be greater than scan_interval (", format_duration(policy.scan_interval), ")"));
  }
  check_rule("default_limits.", "filters.", policy.defaults, errors);
  for (const auto& [name, rule] : policy.commands)
    check_rule(cat("commands.", name, ".limits."), cat("commands.", name, ".filters."), rule, errors);
}

void read_outside(const PolicySources& sources, const std::map<std::string, Target>& targets, Errors& errors) {
  for (const auto& [path, target] : targets) {
    if (target.key->flag.empty()) continue;
    const std::string variable = variable_of(target.key->flag);
    if (const auto value = sources.environment ? sources.environment(variable) : std::nullopt)
      set_from(target, path, {*value}, variable, "env", errors);
    if (const auto at = sources.flags.find(target.key->flag); at != sources.flags.end() && !at->second.empty())
      set_from(target, path, at->second, "--" + target.key->flag, "flag", errors);
  }
}

}  // namespace

std::string variable_of(const std::string& flag) {
  std::string out = "FFRTMP_";
  for (const char c : flag) out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

LoadedPolicy load_policy(const PolicySources& sources) {
  LoadedPolicy out;
  const std::vector<Section> sections = global_sections(out.policy);
  const auto targets = targets_of(sections);
  const Node* commands = nullptr;
  Node root;
  if (!sources.file.empty()) {
    auto document = config::read_document(sources.file);
    if (!document) {
      out.errors.push_back(document.error().message);
      return out;
    }
    root = std::move(*document);
    static const std::string kNoPrefix;
    FileReader reader(out.errors, kNoPrefix);
    if (root.kind != Node::Kind::kMap && root.kind != Node::Kind::kNull)
      out.errors.push_back(cat(root.place.str(), ": must be a map of settings"));
    reader.read(root, targets, "", {"commands"});
    for (const auto& [key, value] : root.entries) {
      if (key.text != "commands") continue;
      if (value.kind == Node::Kind::kMap)
        commands = &value;
      else if (value.kind != Node::Kind::kNull)
        reader.fail(value, "commands", "must be a map");
    }
  }
  read_outside(sources, targets, out.errors);
  if (commands != nullptr) read_commands(*commands, out.policy, out);
  check_together(out.policy, out.errors);
  return out;
}

}  // namespace ffrtmp::watch
