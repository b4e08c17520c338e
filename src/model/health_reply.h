#pragma once
// What /healthz and /readyz of every role answer. Reasons come from a fixed list of the role, never a path, key or
// user.
#include <boost/describe.hpp>
#include <map>
#include <optional>
#include <string>

namespace ffrtmp::model {

struct CheckBody {
  std::string status = "ok";  // "ok", "degraded", "failed"
  std::optional<std::string> reason = std::nullopt;
  std::optional<double> age_seconds = std::nullopt;
};
BOOST_DESCRIBE_STRUCT(CheckBody, (), (status, reason, age_seconds))
struct HealthReply {
  std::string status = "ok";  // the worst of its checks
  std::string role;
  std::string version;
  double uptime_seconds = 0;
  std::map<std::string, CheckBody> checks;

  void add(const std::string& name, CheckBody check) {
    if (check.status == "failed" || (check.status == "degraded" && status == "ok")) status = check.status;
    checks.insert_or_assign(name, std::move(check));
  }
  // A role that is degraded works.
  [[nodiscard]] int http_status() const { return status == "failed" ? 503 : 200; }
};
BOOST_DESCRIBE_STRUCT(HealthReply, (), (status, role, version, uptime_seconds, checks))

}  // namespace ffrtmp::model
