#include "watch/health_reply.h"

#include <gtest/gtest.h>

namespace ffrtmp::watch {
namespace {

using namespace std::chrono_literals;

DaemonFacts well() {
  DaemonFacts facts;
  facts.reading.had_scan = true;
  facts.reading.facts.last_good_scan = BootTime{100s};
  facts.now = BootTime{103s};
  facts.has_started = true;
  facts.events = "on";
  return facts;
}

TEST(HealthReply, Table) {
  struct Row {
    const char* what;
    void (*change)(DaemonFacts&);
    const char* check;
    const char* reason;  // nullptr: fine
    const char* alive;
    const char* ready;
  };
  using F = DaemonFacts;
  const Row rows[] = {
      {"well", [](F&) {}, "scan", nullptr, "ok", "ok"},
      {"events are not wanted", [](F& f) { f.events = "off"; }, "events", nullptr, "ok", "ok"},
      {"events are refused", [](F& f) { f.events = "unavailable"; }, "events", "process_events_unavailable", "ok",
       "degraded"},
      {"no limits", [](F& f) { f.best = govern::Governance::kNiceOnly; }, "limits", "nice_only", "ok", "degraded"},
      {"nothing", [](F& f) { f.best = govern::Governance::kObserve; }, "limits", "observe_only", "ok", "degraded"},
      {"some", [](F& f) { f.best = govern::Governance::kPartial; }, "limits", "some_limits_cannot_be_set", "ok",
       "degraded"},
      {"before the first scan", [](F& f) { f.reading.had_scan = false; }, "service", "starting", "ok", "failed"},
      {"before the start", [](F& f) { f.has_started = false; }, "service", "starting", "ok", "failed"},
      {"at the stop", [](F& f) { f.is_stopping = true; }, "service", "stopping", "ok", "failed"},
      {"a loop that hangs", [](F& f) { f.reading.state = govern::HealthState::kUnhealthy; }, "scan", "scan_too_old",
       "failed", "failed"},
      {"failing scans",
       [](F& f) {
         f.reading.state = govern::HealthState::kUnhealthy;
         f.reading.facts.scan_failures = 5;
       },
       "scan", "scans_fail", "failed", "failed"},
      {"some failing scans",
       [](F& f) {
         f.reading.state = govern::HealthState::kDegraded;
         f.reading.facts.scan_failures = 3;
       },
       "scan", "scans_fail", "degraded", "degraded"},
      {"failing attaches",
       [](F& f) {
         f.reading.state = govern::HealthState::kDegraded;
         f.reading.facts.attach_failures = 10;
       },
       "attach", "attaches_fail", "degraded", "degraded"},
  };
  for (const Row& row : rows) {
    DaemonFacts facts = well();
    row.change(facts);
    const auto reply = readiness(facts);
    EXPECT_EQ(liveness(facts).status, row.alive) << row.what;
    EXPECT_EQ(reply.status, row.ready) << row.what;
    EXPECT_EQ(reply.http_status(), std::string_view(row.ready) == "failed" ? 503 : 200) << row.what;
    for (const auto& [name, check] : reply.checks) {
      if (name == row.check && row.reason != nullptr)
        EXPECT_EQ(check.reason, row.reason) << row.what;
      else
        EXPECT_EQ(check.status, "ok") << row.what << ": " << name;
    }
  }
  EXPECT_EQ(readiness(well()).checks.at("scan").age_seconds, 3);
}

}  // namespace
}  // namespace ffrtmp::watch
