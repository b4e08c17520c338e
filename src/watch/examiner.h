#pragma once
// One process, looked at once: is it a target, may it be governed, do the filters let it pass. The only place that
// asks, for scan, event, retry, reload and `explain` alike.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "govern/filters.h"
#include "govern/policy.h"
#include "govern/process_facts.h"
#include "sys/fd.h"
#include "sys/host.h"
#include "sys/user_names.h"

namespace ffrtmp::watch {

// One look. Of a match only what its governing needs is kept: there may be thousands at once.
struct Examined {
  enum class Outcome { kGone, kNotTarget, kExempt, kSkip, kWait, kMatch };
  Outcome outcome = Outcome::kGone;
  govern::ProcessFacts facts;
  std::string command;  // the target that it runs
  std::string user;
  std::string test;  // what decided: "kernel_thread", "self", "claim", "group", "users", "runtime", …
  std::string why;
  BootTime due{};  // with kWait: when min_runtime has passed
  sys::Fd pidfd;   // of a match, where the kernel gives one
};

// What no policy can change: kernel threads, zombies, the daemon's own tree, what somebody governs already.
struct Exemption {
  std::string test;  // "kernel_thread", "self", "group", "claim"
  std::string observed;
  bool is_exempt = false;
};

class Examiner {
 public:
  struct Settings {
    sys::Host host;
    std::string runtime_dir;
    long ticks_per_second = 100;
  };
  // `self`: the daemon's pid as host.proc numbers it; 0: none. `names` outlives the examiner.
  Examiner(Settings settings, sys::ProcScanner& scanner, sys::UserNames& names, pid_t self);

  // What one walk over all processes need not ask twice. The daemon starts nothing meanwhile.
  struct Walk {
    std::set<pid_t> foreign_parents;  // that are not of the daemon's tree
  };

  // What it runs, if that may be a target: an event of a stranger costs his executable's link and his arguments.
  [[nodiscard]] std::optional<govern::Program> find_target(pid_t pid, const govern::Policy& policy);
  // kGone in the outcome and no error when there is no such process.
  [[nodiscard]] Result<Examined> examine(pid_t pid, const govern::Policy& policy, BootTime now, Walk& walk);
  // By itself, what cannot be read counting as gone. `seen`: as find_target() found it.
  [[nodiscard]] Examined examine(pid_t pid, const govern::Policy& policy, BootTime now, govern::Program seen = {});
  // A process that is about to execute `path`, which the policy names `named`: asked as if it had.
  [[nodiscard]] Examined examine_exec(pid_t pid, const std::string& path, const std::string& named,
                                      const govern::Policy& policy, BootTime now);

  // For `explain`: each test's own answer. `facts` are whole.
  [[nodiscard]] std::vector<Exemption> check_exemptions(const govern::ProcessFacts& facts);
  [[nodiscard]] govern::FilterFacts filter_facts(const govern::ProcessFacts& facts, BootTime now);
  [[nodiscard]] govern::FactReader& reader() { return reader_; }

 private:
  // A process that is looked at: its directory is held until the verdict.
  struct Subject {
    const sys::ProcDir& process;
    const govern::Policy& policy;
    BootTime now{};
    Walk* walk = nullptr;  // none: it is looked at by itself
  };
  [[nodiscard]] Examined judge(govern::ProcessFacts facts, const Subject& subject);
  // The verdict of its rule.
  void filter(Examined& out, const Subject& subject);
  // False: it has ended meanwhile.
  [[nodiscard]] static bool hold(Examined& match, const sys::ProcDir& process);
  [[nodiscard]] govern::FilterFacts own_filter_facts(const govern::ProcessFacts& facts, BootTime now);  // no parent's
  [[nodiscard]] std::optional<Exemption> find_exemption(const govern::ProcessFacts& facts, Walk* walk);
  [[nodiscard]] Exemption check_kernel_thread(const govern::ProcessFacts& facts) const;
  [[nodiscard]] Exemption check_self(const govern::ProcessFacts& facts);
  [[nodiscard]] Exemption check_group(const govern::ProcessFacts& facts) const;
  [[nodiscard]] Exemption check_claim(const govern::ProcessFacts& facts) const;

  Settings settings_;
  sys::ProcScanner& scanner_;
  sys::UserNames& names_;
  pid_t self_;
  govern::FactReader reader_;
  // Parents seen outside the daemon's tree. They stay so: an orphan goes to an ancestor or to init, and the daemon
  // adopts none.
  std::set<sys::ProcessKey> foreign_parents_;
};

}  // namespace ffrtmp::watch
