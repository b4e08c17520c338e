// What every role answers: liveness, readiness, metrics.
#include <sys/resource.h>

#include "base/text.h"
#include "base/version.h"
#include "json/json.h"
#include "master/counters.h"
#include "master/service.h"

namespace ffrtmp::master {
namespace {

constexpr std::chrono::seconds kReadyWithin{1};

api::HealthReply health(double uptime_seconds) {
  api::HealthReply body;
  body.role = "master";
  body.version = std::string(version());
  body.uptime_seconds = uptime_seconds;
  return body;
}

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += cat("# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
}

}  // namespace

void Service::healthz(std::shared_ptr<Call> call) {
  call->ok(health(std::chrono::duration<double>(clock_.now().boot - started_).count()));
}

void Service::readyz(std::shared_ptr<Call> call) {
  pool_.run([this, call] {
    const BootTime before = clock_.now().boot;
    const Status store = store_.check();
    const bool slow = clock_.now().boot - before > kReadyWithin;
    auto body = health(std::chrono::duration<double>(clock_.now().boot - started_).count());
    body.add("store", !store ? api::CheckBody{"failed", "store_unavailable"}
                      : slow ? api::CheckBody{"failed", "store_slow"}
                             : api::CheckBody{});
    call->ok(body, body.http_status());
  });
}

void Service::metrics(std::shared_ptr<Call> call) {
  std::string requests;
  family(requests, "scheduler_http_requests_total", "counter", "Requests answered, by route template.");
  for (const auto& [labels, count] : counters_->counted()) {
    const auto& [route, status] = labels;
    requests += cat("scheduler_http_requests_total{method=\"", route != nullptr ? route->method : "other", "\",endpoint=\"",
                    route != nullptr ? route->path : "unknown", "\",status=\"", status, "\"} ", count, "\n");
  }
  family(requests, "ffrtmp_leases_expired_total", "counter", "Attempts whose worker fell silent.");
  requests += cat("ffrtmp_leases_expired_total ", counters_->leases_expired, "\n");
  family(requests, "ffrtmp_sla_total", "counter", "Ended jobs by what the platform made of its promise.");
  auto verdicts = counters_->judged();
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<model::SlaVerdict>>([&](auto d) {
    requests += cat("ffrtmp_sla_total{verdict=\"", json::enum_name(d.value), "\"} ", verdicts[d.value], "\n");
  });
  family(requests, "ffrtmp_nodes", "gauge", "Registered nodes.");
  requests += cat("ffrtmp_nodes ", node_facts_.size(), "\n");
  pool_.run([this, call, requests = std::move(requests)] {
    auto counts = store_.count_by_state();
    if (!counts) return call->fail(counts.error());
    std::string text;
    family(text, "ffrtmp_jobs", "gauge", "Jobs by state.");
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<model::JobState>>([&](auto d) {
      text += cat("ffrtmp_jobs{state=\"", json::enum_name(d.value), "\"} ", (*counts)[d.value], "\n");
    });
    family(text, "ffrtmp_master_uptime_seconds", "gauge", "Since the start of this master.");
    text += cat("ffrtmp_master_uptime_seconds ",
                format_fixed(std::chrono::duration<double>(clock_.now().boot - started_).count(), 3), "\n");
    call->respond({200, "text/plain; version=0.0.4", text + requests, {}});
  });
}

}  // namespace ffrtmp::master
