#pragma once
// What the master counts of its own requests.
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "master/service.h"

namespace ffrtmp::master {

// On the server's thread; labels are route templates, never paths.
struct Service::Counters {
  std::map<std::tuple<std::string, std::string, int>, std::int64_t> requests;  // method, template, status
  std::int64_t leases_expired = 0;
};

}  // namespace ffrtmp::master
