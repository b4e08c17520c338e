#include "api/routes.h"

#include <algorithm>

#include "base/text.h"
#include "net/http.h"

namespace ffrtmp::api {
namespace {

constexpr std::string_view kIdPlace = "{id}";

constexpr bool table_follows_enum() {
  for (std::size_t i = 0; i < kRoutes.size(); ++i)
    if (static_cast<std::size_t>(kRoutes[i].id) != i) return false;
  return true;
}
static_assert(table_follows_enum(), "kRoutes is indexed by RouteId");

// Whether `path` has the template's shape; calls `found` with each id on the way, percent-encoded as it came.
template <class Found>
bool fits(std::string_view pattern, std::string_view path, Found found) {
  for (;;) {
    const std::size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
    const std::size_t path_end = std::min(path.find('/', 1), path.size());
    const std::string_view want = pattern.substr(0, pattern_end);
    const std::string_view have = path.substr(0, path_end);
    if (want.size() > 1 && want.substr(1) == kIdPlace && have.size() > 1) {
      found(have.substr(1));
    } else if (want != have) {
      return false;
    }
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
    if (pattern.empty() || path.empty()) return pattern.empty() && path.empty();
  }
}

// Every request looks routes up, so a row that does not fit costs no allocation.
bool fits(const Route& route, std::string_view path) {
  return fits(route.path, path, [](std::string_view) {});
}

// A fixed path ("/nodes/register") is no id of a more general one ("/nodes/{id}").
bool is_fixed_elsewhere(const Route& route, std::string_view path) {
  return route.path.find(kIdPlace) != std::string_view::npos &&
         std::any_of(kRoutes.begin(), kRoutes.end(), [&](const Route& r) { return r.path == path; });
}

}  // namespace

Result<RouteMatch> match_route(std::string_view method, std::string_view path) {
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (!fits(route, path) || is_fixed_elsewhere(route, path)) continue;
    if (route.method == method) {
      RouteMatch match{&route, {}};
      (void)fits(route.path, path, [&](std::string_view id) { match.ids.push_back(net::percent_decode(id)); });
      return match;
    }
    allowed += cat(allowed.empty() ? "" : ", ", route.method);
  }
  if (allowed.empty()) return make_error(Errc::kNotFound, cat("no such route: ", escape(path)));
  return make_error(Errc::kMethodNotAllowed, cat(escape(method), " is not allowed here, only ", allowed));
}

const Route& route_of(RouteId route) { return kRoutes[static_cast<std::size_t>(route)]; }

std::string path_of(RouteId route, std::string_view id) {
  std::string path(route_of(route).path);
  if (const std::size_t at = path.find(kIdPlace); at != std::string::npos)
    path.replace(at, kIdPlace.size(), net::percent_encode(id));
  return path;
}

std::size_t max_body(std::string_view method, std::string_view path) {
  const auto match = match_route(method, path);
  return match ? match->route->max_body : kMaxBody;
}

Result<store::JobRef> parse_job_ref(std::string_view text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits) {
    // A number too large for any job is a number all the same: it names no job.
    if (const auto number = parse_int(text)) return store::JobRef(*number);
    return make_error(Errc::kNotFound, cat("no job ", text));
  }
  if (const auto id = parse_uuid(text)) return store::JobRef(*id);
  return make_error(Errc::kInvalid, cat("\"", escape(text), "\" is no job: give its number or its full UUID"));
}

}  // namespace ffrtmp::api
