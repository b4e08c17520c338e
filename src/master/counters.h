#pragma once
// What the master counts of its own requests. Any thread.
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "api/routes.h"
#include "master/service.h"

namespace ffrtmp::master {

struct Service::Counters {
  // By route (null: one that nobody serves) and status: templates, never paths.
  using Requests = std::map<std::pair<const api::Route*, int>, std::int64_t>;

  void count(const api::Route* route, int status) {
    const std::lock_guard lock(mutex);
    ++requests[{route, status}];
  }
  [[nodiscard]] Requests counted() {
    const std::lock_guard lock(mutex);
    return requests;
  }

  using Verdicts = std::map<model::SlaVerdict, std::int64_t>;

  void count(const std::vector<model::SlaVerdict>& ended) {
    const std::lock_guard lock(mutex);
    for (const model::SlaVerdict verdict : ended) ++verdicts[verdict];
  }
  [[nodiscard]] Verdicts judged() {
    const std::lock_guard lock(mutex);
    return verdicts;
  }

  std::mutex mutex;
  Requests requests;
  Verdicts verdicts;
  std::int64_t leases_expired = 0;  // the server's thread
};

}  // namespace ffrtmp::master
