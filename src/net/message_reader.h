#pragma once
// Reads one HTTP/1.1 message off bytes as they come. No socket, no clock; Beast inside, kept out of every other file.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace ffrtmp::net {

// Largest start line with header fields, in bytes.
inline constexpr std::uint32_t kHeaderLimit = 16 * 1024;

enum class ReadState {
  kMore,  // all usable bytes are taken; the rest has to be put again in front of what follows
  kHead,  // the header is complete: call set_body_limit, then put() the rest
  kDone,  // the message is complete; what was not used belongs to the next one
  kMalformed,
  kHeaderTooLarge,
  kBodyTooLarge,
};

struct ReadStep {
  ReadState state = ReadState::kMore;
  std::size_t used = 0;  // bytes of the input that were taken
};

class RequestReader {
 public:
  RequestReader();
  ~RequestReader();
  // Starts with the next message.
  void reset();
  [[nodiscard]] ReadStep put(std::string_view data);
  // From kHead on.
  [[nodiscard]] std::string_view method() const;
  [[nodiscard]] std::string_view path() const;
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool is_http_1_0() const;
  // "Expect: 100-continue" of a request that has a body.
  [[nodiscard]] bool expects_continue() const;
  // False when the announced length is larger already.
  [[nodiscard]] bool set_body_limit(std::size_t bytes);
  // After kDone: moves the request out.
  [[nodiscard]] Request take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class ResponseReader {
 public:
  // `is_head`: answers a HEAD request and so has no body whatever its length says.
  ResponseReader(bool is_head, std::size_t body_limit);
  ~ResponseReader();
  // Passes over interim (1xx) answers.
  [[nodiscard]] ReadStep put(std::string_view data);
  // The peer closed: kDone when that ends the message.
  [[nodiscard]] ReadState put_end();
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] Response take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The whole answer as on the wire, with its length. Line breaks in header values become spaces.
void encode_response(std::string& out, const Response& response, bool keep_alive, bool is_http_1_0, bool is_head);
[[nodiscard]] std::string encode_request(const Request& request, std::string_view host, std::string_view bearer);

}  // namespace ffrtmp::net
