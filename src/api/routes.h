#pragma once
// The one table of routes, used by the master to dispatch and by the client to build a target.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/command.h"

namespace ffrtmp::api {

enum class RouteId : std::uint8_t {
  kSubmitJob,
  kListJobs,
  kGetJob,
  kListAttempts,
  kCancelJob,
  kPauseJob,
  kResumeJob,
  kRetryJob,
  kGetLogs,
  kRegisterNode,
  kListNodes,
  kGetNode,
  kHeartbeat,
  kClaim,
  kProgress,
  kAppendLog,
  kPublish,
  kResult,
  kRelease,
  kSla,
  kHealthz,
  kReadyz,
  kMetrics
};

enum class Access : std::uint8_t {
  kOpen,          // anybody
  kPerson,        // a key
  kNode,          // a node token; its own node and attempts only
  kNodeOrPerson,  // register: the key of a new worker, the token of a known one
};

inline constexpr std::size_t kMaxBody = 64 * 1024;          // of most routes, in bytes
inline constexpr std::size_t kMaxSubmitBody = 1024 * 1024;  // submit, register
inline constexpr std::size_t kMaxLogChunk = 256 * 1024;     // POST /attempts/{id}/logs
// A result names its command line and all streams; it must not be lost for its size.
inline constexpr std::size_t kMaxResultBody = 1024 * 1024;

struct Route {
  RouteId id;
  std::string_view method;
  std::string_view path;  // "{id}" stands for one part that is not empty
  Access access;
  std::size_t max_body = kMaxBody;
};

inline constexpr std::array kRoutes{
    Route{RouteId::kSubmitJob, "POST", "/api/v1/jobs", Access::kPerson, kMaxSubmitBody},
    Route{RouteId::kListJobs, "GET", "/api/v1/jobs", Access::kPerson},
    Route{RouteId::kGetJob, "GET", "/api/v1/jobs/{id}", Access::kPerson},
    Route{RouteId::kListAttempts, "GET", "/api/v1/jobs/{id}/attempts", Access::kPerson},
    Route{RouteId::kCancelJob, "POST", "/api/v1/jobs/{id}/cancel", Access::kPerson},
    Route{RouteId::kPauseJob, "POST", "/api/v1/jobs/{id}/pause", Access::kPerson},
    Route{RouteId::kResumeJob, "POST", "/api/v1/jobs/{id}/resume", Access::kPerson},
    Route{RouteId::kRetryJob, "POST", "/api/v1/jobs/{id}/retry", Access::kPerson},
    Route{RouteId::kGetLogs, "GET", "/api/v1/jobs/{id}/logs", Access::kPerson},
    Route{RouteId::kRegisterNode, "POST", "/api/v1/nodes/register", Access::kNodeOrPerson, kMaxSubmitBody},
    Route{RouteId::kListNodes, "GET", "/api/v1/nodes", Access::kPerson},
    Route{RouteId::kGetNode, "GET", "/api/v1/nodes/{id}", Access::kPerson},
    Route{RouteId::kHeartbeat, "POST", "/api/v1/nodes/{id}/heartbeat", Access::kNode},
    Route{RouteId::kClaim, "POST", "/api/v1/claims", Access::kNode},
    Route{RouteId::kProgress, "POST", "/api/v1/attempts/{id}/progress", Access::kNode},
    Route{RouteId::kAppendLog, "POST", "/api/v1/attempts/{id}/logs", Access::kNode, kMaxLogChunk},
    Route{RouteId::kPublish, "POST", "/api/v1/attempts/{id}/publish", Access::kNode},
    Route{RouteId::kResult, "POST", "/api/v1/attempts/{id}/result", Access::kNode, kMaxResultBody},
    Route{RouteId::kRelease, "POST", "/api/v1/attempts/{id}/release", Access::kNode},
    Route{RouteId::kSla, "GET", "/api/v1/sla", Access::kPerson},
    Route{RouteId::kHealthz, "GET", "/healthz", Access::kOpen},
    Route{RouteId::kReadyz, "GET", "/readyz", Access::kOpen},
    Route{RouteId::kMetrics, "GET", "/metrics", Access::kOpen},
};

struct RouteMatch {
  const Route* route = nullptr;
  std::vector<std::string> ids;  // percent-decoded texts of the {id} places
};

// kNotFound for a path nobody serves, kMethodNotAllowed for a path that other methods serve. `path` without query.
[[nodiscard]] Result<RouteMatch> match_route(std::string_view method, std::string_view path);
[[nodiscard]] const Route& route_of(RouteId route);
// The route's path with its {id} filled in.
[[nodiscard]] std::string path_of(RouteId route, std::string_view id = {});
// Body limit of a request, for the server to refuse it unread; that of most routes when nobody serves it.
[[nodiscard]] std::size_t max_body(std::string_view method, std::string_view path);

// How people name a job: all digits = its number, else a full UUID; kInvalid for anything else. A UUID that begins with
// digits is no number.
[[nodiscard]] Result<store::JobRef> parse_job_ref(std::string_view text);

}  // namespace ffrtmp::api
