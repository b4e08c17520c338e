#pragma once
// One request on its way through a handler.
#include <string>
#include <string_view>
#include <vector>

#include "api/codec.h"
#include "base/result.h"
#include "master/auth.h"
#include "net/http.h"
#include "net/server.h"

namespace ffrtmp::master {

struct Call {
  net::Request request;
  net::Respond respond;
  Caller caller;
  std::vector<std::string> ids;  // what stands in the path's {id} places

  // The path's first id.
  [[nodiscard]] const std::string& id() const { return ids.front(); }

  void reply(int status, std::string body) const {
    respond(net::Response{status, "application/json", std::move(body), {}});
  }
  void fail(const Error& error) const { reply(http_status(error.code), api::encode_error(error)); }
  template <class T>
  void ok(const T& value, int status = 200) const {
    reply(status, api::encode(value));
  }
};

}  // namespace ffrtmp::master
