#include "watch/explain.h"

#include <unistd.h>

#include "base/text.h"
#include "govern/attacher.h"
#include "govern/claim.h"
#include "govern/limit_plan.h"
#include "govern/place_facts.h"
#include "json/json.h"
#include "sys/file_io.h"
#include "watch/api_view.h"
#include "watch/examiner.h"
#include "watch/layout.h"
#include "watch/status.h"

namespace ffrtmp::watch {
namespace {

using govern::Policy;
using govern::ProcessFacts;

std::string shown(const std::optional<std::string>& name) { return name.value_or("unreadable"); }

std::string shown(const govern::CommandNames& names) {
  return cat("exe ", shown(names.exe), ", argv0 ", shown(names.argv0));
}

class Explainer {
 public:
  Explainer(const WatchSettings& settings, const sys::Host& host, sys::ProcScanner& scanner, pid_t self)
      : settings_(settings),
        policy_(*settings.policy),
        host_(host),
        layout_(read_layout(host, settings.cgroup_mount)),
        self_(self),
        examiner_({host, settings.runtime_dir, sysconf(_SC_CLK_TCK)}, scanner, names_, self) {}

  Result<Explanation> run(pid_t pid) {
    FFRTMP_ASSIGN(facts_, examiner_.reader().read_names(pid));
    FFRTMP_TRY(examiner_.reader().read_rest(facts_));
    out_.pid = pid;
    add("alive", !facts_.has_ended(), cat("state ", std::string_view(&facts_.state, 1)), "must be running", "");
    ask_exemptions();
    ask_command();
    ask_filters();
    ask_placement();
    ask_limits();
    ask_daemon();
    out_.verdict = judge();
    return std::move(out_);
  }

 private:
  Test& add(std::string test, bool pass, std::string observed, std::string rule, std::string provenance) {
    return out_.tests.emplace_back(Test{std::move(test), pass ? TestOutcome::kPass : TestOutcome::kFail,
                                        std::move(observed), std::move(rule), std::move(provenance)});
  }
  void skip(std::string test, std::string observed, std::string rule, std::string provenance = "") {
    out_.tests.push_back(
        {std::move(test), TestOutcome::kSkip, std::move(observed), std::move(rule), std::move(provenance)});
  }
  [[nodiscard]] const govern::Rule& rule() const { return policy_.rule_for(out_.command); }

  void ask_exemptions() {
    // A group and the claim on it are one question: whether somebody governs it.
    Exemption governed{"claim", "", false};
    for (const Exemption& exemption : examiner_.check_exemptions(facts_)) {
      if (exemption.test == "kernel_thread")
        add("kernel_thread", !exemption.is_exempt, exemption.observed, "kernel threads and zombies are left alone", "");
      if (exemption.test == "self")
        add("self", !exemption.is_exempt, exemption.observed, "the daemon and its descendants are left alone", "");
      if (exemption.test != "group" && exemption.test != "claim") is_exempt_ = is_exempt_ || exemption.is_exempt;
      if (exemption.test == "group") is_in_group_ = exemption.is_exempt;
      if (exemption.test == "claim") has_claim_ = exemption.is_exempt;
      if (exemption.test == "group" || exemption.test == "claim")
        governed.observed += cat(governed.observed.empty() ? "" : ", ", exemption.observed);
    }
    add("claim", !is_in_group_ && !has_claim_, governed.observed, "one governor a process", "");
  }

  void ask_command() {
    const auto command = govern::match_target(facts_.names, policy_);
    out_.command = command.value_or("");
    const std::string rule =
        cat("target_commands [", join(policy_.target_commands, " "), "], match ", json::enum_name(this->rule().match));
    std::string provenance = policy_.place_of("target_commands");
    if (this->rule().place_of("match") != "default") provenance += cat(", match ", this->rule().place_of("match"));
    add("command", command.has_value(), shown(facts_.names), rule, provenance);
  }

  void ask_filters() {
    const auto now = BootClock::now();
    checks_ = govern::check_filters(examiner_.filter_facts(facts_, now), rule().filters);
    for (const govern::FilterCheck& check : checks_) {
      const std::string name(govern::name_of(check.filter));
      if (check.outcome == govern::CheckOutcome::kOff)
        skip(name, check.observed, check.rule, "default");
      else
        add(name, check.outcome == govern::CheckOutcome::kPass, check.observed, check.rule, rule().place_of(check.key));
    }
  }

  void ask_placement() {
    if (is_in_group_) return skip("placement", "is placed already", json::enum_name(policy_.placement));
    const std::string wanted = json::enum_name(policy_.placement);
    const std::string provenance = policy_.place_of("placement");
    std::string observed;
    bool good = true;
    const sys::Membership membership = facts_.membership();
    for (const govern::Controller controller : govern::controllers_for(rule().limits)) {
      const auto* hierarchy = layout_.of_controller(govern::kernel_name(controller, sys::CgroupVersion::kV2));
      if (hierarchy == nullptr) continue;
      const auto own = membership.find(hierarchy->name);
      if (own == membership.end() || govern::Attacher::job_of_group(own->second)) continue;
      govern::OpenControls controls;
      const auto place = govern::decide_place(
          govern::read_place_facts({hierarchy,
                                    own->second,
                                    {facts_.key.pid},
                                    govern::find_root_base(host_, layout_, *hierarchy, settings_.cgroup_root),
                                    policy_.placement},
                                   controls),
          policy_.placement);
      good = good && place.reason.empty();
      observed += cat(observed.empty() ? "" : "; ", hierarchy->name, ":", own->second, " -> ",
                      place.reason.empty() ? cat(place.base == "/" ? "" : place.base, "/ffrtmp/") : place.reason,
                      place.evidence.empty() ? "" : cat(" (", place.evidence, ")"));
    }
    if (observed.empty()) return skip("placement", "no cgroup limit asks for a move", wanted, provenance);
    add("placement", good, observed, wanted, provenance);
  }

  void ask_limits() {
    std::string asked;
    std::string provenance;
    for (const LimitView& view : limit_views(rule().limits, {})) {
      asked += cat(asked.empty() ? "" : ", ", view.limit, " ", view.value);
      const std::string place = rule().place_of(view.limit);
      if (provenance.find(place) == std::string::npos) provenance += cat(provenance.empty() ? "" : ", ", place);
    }
    if (asked.empty()) return skip("limits", "", "no limits", "default");
    govern::Attacher attacher({host_, layout_, settings_.cgroup_root});
    const auto mode = attacher.mode();
    add("limits", mode.best != govern::Governance::kObserve,
        cat("governance ", govern::name_of(mode.best), mode.reason.empty() ? "" : cat(" (", mode.reason, ")")), asked,
        provenance);
  }

  void ask_daemon() {
    if (self_ == 0) return skip("daemon", "no daemon answers", settings_.runtime_dir + "/watch.sock");
    add("daemon", true, cat("pid ", self_), settings_.runtime_dir + "/watch.sock", "");
  }

  [[nodiscard]] ExplainVerdict judge() const {
    if (has_claim_) return ExplainVerdict::kGoverned;
    if (is_exempt_ || is_in_group_) return ExplainVerdict::kExempt;
    if (out_.command.empty()) return ExplainVerdict::kNotGoverned;
    switch (govern::decide(checks_).kind) {
      case govern::Verdict::Kind::kMatch:
        return ExplainVerdict::kWouldGovern;
      case govern::Verdict::Kind::kWait:
        return ExplainVerdict::kWaitingMinRuntime;
      case govern::Verdict::Kind::kSkip:
        return ExplainVerdict::kNotGoverned;
    }
    return ExplainVerdict::kNotGoverned;
  }

  const WatchSettings& settings_;
  const Policy& policy_;
  const sys::Host& host_;
  const sys::CgroupLayout layout_;
  const pid_t self_;
  sys::UserNames names_;
  Examiner examiner_;
  ProcessFacts facts_;
  std::vector<govern::FilterCheck> checks_;
  Explanation out_;
  bool is_exempt_ = false;
  bool is_in_group_ = false;
  bool has_claim_ = false;
};

}  // namespace

Result<Explanation> explain(const WatchSettings& settings, pid_t pid) {
  sys::Host host = sys::Host::real();
  if (!settings.proc_root.empty()) host.proc = settings.proc_root;
  FFRTMP_ASSIGN(sys::ProcScanner scanner, sys::ProcScanner::open(host));
  const pid_t self = find_daemon(settings.runtime_dir).value_or(0);
  auto explained = Explainer(settings, host, scanner, self).run(pid);
  if (!explained && explained.error().code == Errc::kGone)
    return make_error(Errc::kGone, cat("process ", pid, " does not exist"));
  return explained;
}

std::string encode_explanation(const Explanation& explanation) { return json::encode(explanation) + "\n"; }

}  // namespace ffrtmp::watch
