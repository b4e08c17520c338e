#include "watch/examiner.h"

#include <algorithm>

#include "base/text.h"
#include "govern/attacher.h"
#include "govern/claim.h"
#include "govern/job_dir.h"
#include "sys/pid_fd.h"

namespace ffrtmp::watch {
namespace {

constexpr std::size_t kParentsKept = 4096;

}  // namespace

using govern::Policy;
using govern::ProcessFacts;
using Outcome = Examined::Outcome;

Examiner::Examiner(Settings settings, sys::ProcScanner& scanner, sys::UserNames& names, pid_t self)
    : settings_(std::move(settings)),
      scanner_(scanner),
      names_(names),
      self_(self),
      reader_(scanner, settings_.ticks_per_second) {}

std::optional<govern::Program> Examiner::find_target(pid_t pid, const Policy& policy) {
  govern::Program program = reader_.read_program(pid);
  if (!govern::match_target(program.names, policy)) return std::nullopt;
  return program;
}

Examined Examiner::examine(pid_t pid, const Policy& policy, BootTime now, govern::Program seen) {
  const auto process = scanner_.open_process(pid);
  if (!process) return {};
  const auto line = scanner_.read(*process);
  return line ? judge(reader_.read_names(*line, *process, std::move(seen)), {*process, policy, now}) : Examined{};
}

Result<Examined> Examiner::examine(pid_t pid, const Policy& policy, BootTime now, Walk& walk) {
  const auto process = scanner_.open_process(pid);
  const auto line = process ? scanner_.read(*process) : Result<sys::ProcLine>(process.error());
  if (line) return judge(reader_.read_names(*line, *process), {*process, policy, now, &walk});
  if (line.error().code == Errc::kGone) return Examined{};
  return line.error();
}

Examined Examiner::examine_exec(pid_t pid, const std::string& path, const std::string& named, const Policy& policy,
                                BootTime now) {
  const auto process = scanner_.open_process(pid);
  if (!process) return {};
  const auto line = scanner_.read(*process);
  if (!line) return {};
  ProcessFacts facts = reader_.read_names(*line, *process);
  facts.exe = path;
  facts.names.exe = std::string(govern::basename_of(path));
  facts.names.argv0 = std::string(govern::basename_of(named));  // what it is called by, most likely
  return judge(std::move(facts), {*process, policy, now});
}

Examined Examiner::judge(ProcessFacts process, const Subject& subject) {
  Examined out;
  out.outcome = Outcome::kNotTarget;
  out.facts = std::move(process);
  auto command = govern::match_target(out.facts.names, subject.policy);
  if (!command) return out;
  out.command = std::move(*command);
  if (!reader_.read_rest(out.facts, subject.process)) return Examined{};
  auto exemption = find_exemption(out.facts, subject.walk);
  out.facts.cmdline = {};
  if (exemption) {
    out.outcome = Outcome::kExempt;
    out.test = std::move(exemption->test);
    out.why = std::move(exemption->observed);
    return out;
  }
  filter(out, subject);
  if (out.outcome == Outcome::kMatch && !hold(out, subject.process)) return Examined{};
  return out;
}

void Examiner::filter(Examined& out, const Subject& subject) {
  const govern::Rule& rule = subject.policy.rule_for(out.command);
  govern::FilterFacts facts = own_filter_facts(out.facts, subject.now);
  out.user = facts.user;
  out.due = out.facts.started + rule.filters.min_runtime;
  out.outcome = Outcome::kMatch;
  if (rule.filters == govern::Filters{}) return;
  if (rule.filters.ask_for_parent()) facts.parent = reader_.read_parent(out.facts.ppid);
  const govern::Verdict verdict = govern::decide(govern::check_filters(facts, rule.filters));
  out.outcome = verdict.kind == govern::Verdict::Kind::kMatch  ? Outcome::kMatch
                : verdict.kind == govern::Verdict::Kind::kWait ? Outcome::kWait
                                                               : Outcome::kSkip;
  if (verdict.why) {
    out.test = govern::name_of(verdict.why->filter);
    out.why = cat(verdict.why->observed, " ", verdict.why->rule);
  }
}

// A descriptor is of whoever has the number when it is opened: of this one, as it is there behind that. Where the
// kernel gives none (before 5.3, or out of descriptors) the governor has to do without.
bool Examiner::hold(Examined& match, const sys::ProcDir& process) {
  if (auto pidfd = sys::open_pidfd(match.facts.key.pid)) match.pidfd = std::move(*pidfd);
  return process.is_there();
}

// As check_exemptions, but dearer tests are left out behind one that says enough.
std::optional<Exemption> Examiner::find_exemption(const ProcessFacts& facts, Walk* walk) {
  if (auto found = check_kernel_thread(facts); found.is_exempt) return found;
  if (auto found = check_group(facts); found.is_exempt) return found;
  const bool is_foreign = walk != nullptr && facts.key.pid != self_ && walk->foreign_parents.contains(facts.ppid);
  if (!is_foreign) {
    if (auto found = check_self(facts); found.is_exempt) return found;
    if (walk != nullptr) walk->foreign_parents.insert(facts.ppid);
  }
  if (auto found = check_claim(facts); found.is_exempt) return found;
  return std::nullopt;
}

std::vector<Exemption> Examiner::check_exemptions(const ProcessFacts& facts) {
  return {check_kernel_thread(facts), check_self(facts), check_group(facts), check_claim(facts)};
}

govern::FilterFacts Examiner::filter_facts(const ProcessFacts& facts, BootTime now) {
  govern::FilterFacts out = own_filter_facts(facts, now);
  out.parent = reader_.read_parent(facts.ppid);
  return out;
}

govern::FilterFacts Examiner::own_filter_facts(const ProcessFacts& facts, BootTime now) {
  govern::FilterFacts out;
  out.uid = facts.uid;
  out.user = facts.uid ? names_.name_of(*facts.uid) : "unknown";
  out.parent.pid = facts.ppid;
  out.age = now - facts.started;
  out.cwd = facts.cwd;
  return out;
}

Exemption Examiner::check_kernel_thread(const ProcessFacts& facts) const {
  if (facts.is_kernel_thread) return {"kernel_thread", "is a kernel thread", true};
  if (facts.has_ended()) return {"kernel_thread", "has ended", true};
  return {"kernel_thread", "is a process", false};
}

Exemption Examiner::check_self(const ProcessFacts& facts) {
  if (self_ == 0) return {"self", "no daemon asked", false};
  if (facts.key.pid == self_) return {"self", "is the daemon", true};
  std::set<sys::ProcessKey> above;
  for (pid_t pid = facts.ppid; pid > 0;) {
    if (pid == self_) return {"self", "descends from the daemon", true};
    if (pid == 1) break;
    const auto line = scanner_.read(pid);
    // A number that was given away between two reads may make a ring.
    if (!line || foreign_parents_.contains(line->key()) || !above.insert(line->key()).second) break;
    pid = line->ppid;
  }
  if (foreign_parents_.size() + above.size() > kParentsKept) foreign_parents_.clear();
  foreign_parents_.insert(above.begin(), above.end());
  return {"self", "is not of the daemon's tree", false};
}

Exemption Examiner::check_group(const ProcessFacts& facts) const {
  if (facts.cgroups.find(govern::kParentStep) == std::string::npos) return {"group", "is in no governed group", false};
  for (const auto& [hierarchy, path] : facts.membership())
    if (const auto job = govern::Attacher::job_of_group(path))
      return {"group", cat("is in the group of job ", *job, " (", hierarchy, ":", path, ")"), true};
  return {"group", "is in no governed group", false};
}

Exemption Examiner::check_claim(const ProcessFacts& facts) const {
  const auto found = govern::find_claim(settings_.runtime_dir, facts.key);
  if (found && *found && (*found)->live)
    return {"claim",
            cat("claimed by ", (*found)->claim.owner, " (pid ", (*found)->claim.owner_pid, ") as job ",
                (*found)->claim.governed.job_id),
            true};
  return {"claim", "no live claim", false};
}

}  // namespace ffrtmp::watch
