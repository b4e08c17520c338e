// From a request to its handler: the route table bound to the service, callers checked, requests counted.
#include <array>

#include "api/routes.h"
#include "base/text.h"
#include "master/counters.h"
#include "master/service.h"

namespace ffrtmp::master {

struct Routes {
  struct Row {
    api::RouteId id;
    Service::Handler handler;
  };
  static constexpr std::array kRows{
      Row{api::RouteId::kSubmitJob, &Service::submit_job},
      Row{api::RouteId::kListJobs, &Service::list_jobs},
      Row{api::RouteId::kGetJob, &Service::get_job},
      Row{api::RouteId::kListAttempts, &Service::list_attempts},
      Row{api::RouteId::kSla, &Service::report_sla},
      Row{api::RouteId::kCancelJob, &Service::cancel_job},
      Row{api::RouteId::kPauseJob, &Service::pause_job},
      Row{api::RouteId::kResumeJob, &Service::resume_job},
      Row{api::RouteId::kRetryJob, &Service::retry_job},
      Row{api::RouteId::kGetLogs, &Service::get_logs},
      Row{api::RouteId::kRegisterNode, &Service::register_node},
      Row{api::RouteId::kListNodes, &Service::list_nodes},
      Row{api::RouteId::kGetNode, &Service::get_node},
      Row{api::RouteId::kHeartbeat, &Service::heartbeat},
      Row{api::RouteId::kClaim, &Service::claim},
      Row{api::RouteId::kProgress, &Service::progress},
      Row{api::RouteId::kAppendLog, &Service::append_log},
      Row{api::RouteId::kPublish, &Service::publish},
      Row{api::RouteId::kResult, &Service::result},
      Row{api::RouteId::kRelease, &Service::release},
      Row{api::RouteId::kHealthz, &Service::healthz},
      Row{api::RouteId::kReadyz, &Service::readyz},
      Row{api::RouteId::kMetrics, &Service::metrics},
  };
  static Service::Handler of(api::RouteId id) {
    for (const Row& row : kRows)
      if (row.id == id) return row.handler;
    return nullptr;
  }
};

namespace {

Status check_caller(api::Access access, const std::optional<Caller>& caller) {
  if (access == api::Access::kOpen) return {};
  if (!caller) return make_error(Errc::kUnauthorized, "a valid key is required: Authorization: Bearer KEY");
  if (access == api::Access::kNode && !caller->is_node()) return make_error(Errc::kForbidden, "only a node's token may do this");
  if (access == api::Access::kPerson && caller->is_node()) return make_error(Errc::kForbidden, "a node's token may not do this");
  return {};
}

void too_many(Call& call, std::string_view what, std::chrono::seconds wait) {
  const Error error = make_error(Errc::kTooManyRequests, cat("too many ", what, ", try again in ", wait.count(), " s"));
  call.respond({http_status(error.code), "application/json", api::encode_error(error), {{"Retry-After", cat(wait.count())}}});
}

}  // namespace

// A peer that failed too often is not even told whether its next key is right. A node's token is let in all the same: it
// cannot be guessed, and jobs must not lose their leases because somebody else at that address mistypes a key.
std::optional<std::chrono::seconds> Service::must_wait(const Call& call, api::Access access, const std::optional<Caller>& caller) {
  if (access == api::Access::kOpen || (caller && caller->is_node())) return std::nullopt;
  const std::string& peer = call.request.peer;
  const BootTime now = clock_.now().boot;
  if (const auto wait = logins_.wait(peer, now)) return wait;
  if (!caller && call.request.header("authorization")) logins_.failed(peer, now);
  return std::nullopt;
}

void Service::handle(net::Request request, net::Respond respond) {
  if (!started_serving_ || stopping_) {
    const Error away = make_error(Errc::kUnavailable, stopping_ ? "the master is stopping" : "the master is starting");
    return respond({http_status(away.code), "application/json", api::encode_error(away), {}});
  }
  auto match = api::match_route(request.method, request.path());
  const api::Route* route = match ? match->route : nullptr;
  auto counted = [this, route, respond = std::move(respond)](net::Response response) {
    counters_->count(route, response.status);
    respond(std::move(response));
  };
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->respond = std::move(counted);
  if (!match) return call->fail(match.error());
  const auto caller = auth_.authenticate(call->request.header("authorization"));
  if (const auto wait = must_wait(*call, match->route->access, caller)) return too_many(*call, "failed logins", *wait);
  if (const Status allowed = check_caller(match->route->access, caller); !allowed) return call->fail(allowed.error());
  if (caller && match->route->access != api::Access::kOpen) {
    RateLimit& requests = caller->is_node() ? node_requests_ : person_requests_;
    if (const auto wait = requests.take(caller->actor(), clock_.now().boot)) return too_many(*call, "requests", *wait);
  }
  if (caller) call->caller = *caller;
  call->ids = std::move(match->ids);
  (this->*Routes::of(match->route->id))(std::move(call));
}

}  // namespace ffrtmp::master
