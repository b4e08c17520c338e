#pragma once
// One HTTP/1.1 exchange as plain data, used by server and client alike.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ffrtmp::net {

struct Request {
  std::string method = "GET";
  std::string target = "/";                                  // path with query, as on the wire
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case; server side: all that came
  std::string body;
  std::string peer;                      // server side: remote address without port
  std::weak_ptr<const void> connection;  // server side: expired once the peer has gone; for whoever answers later

  [[nodiscard]] std::string_view path() const;  // target without the query
  // Decoded value of a query parameter; the first when it stands twice.
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
  // All names of the query, decoded, in order.
  [[nodiscard]] std::vector<std::string> query_names() const;
  [[nodiscard]] std::optional<std::string_view> header(std::string_view lower_case_name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>>
      headers;  // further ones, as {"Retry-After", "1"}; client side: all, names in lower case
};

[[nodiscard]] std::string percent_decode(std::string_view text);
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace ffrtmp::net
