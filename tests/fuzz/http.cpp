#include <optional>

#include "net/message_reader.h"
#include "tests/fuzz/fuzz.h"

namespace ffrtmp::fuzz {
namespace {

constexpr std::size_t kBodyLimit = 4096;

// Feeds `data` in pieces of `piece` bytes as a connection does: what was not used is put again in front of what
// follows.
template <class Put>
net::ReadState feed(std::string_view data, std::size_t piece, Put put) {
  std::string waiting;
  net::ReadState state = net::ReadState::kMore;
  while (state == net::ReadState::kMore && !data.empty()) {
    waiting += data.substr(0, piece);
    data.remove_prefix(std::min(piece, data.size()));
    for (;;) {
      const net::ReadStep step = put(waiting);
      must(step.used <= waiting.size(), "no more is used than was put");
      waiting.erase(0, step.used);
      state = step.state;
      if (state != net::ReadState::kHead) break;
    }
    must(waiting.size() <= 2 * net::kHeaderLimit + kBodyLimit + piece, "what waits is bounded");
  }
  return state;
}

struct ReadRequest {
  net::ReadState state = net::ReadState::kMore;
  std::optional<net::Request> request;
};

ReadRequest read_request(std::string_view data, std::size_t piece) {
  net::RequestReader reader;
  reader.reset();
  bool too_large = false;
  ReadRequest out;
  out.state = feed(data, piece, [&](std::string_view bytes) {
    net::ReadStep step = reader.put(bytes);
    if (step.state == net::ReadState::kHead && !reader.set_body_limit(kBodyLimit)) {
      too_large = true;
      step.state = net::ReadState::kBodyTooLarge;
    }
    return step;
  });
  if (out.state == net::ReadState::kDone) out.request = reader.take();
  return out;
}

}  // namespace

void http_request(std::string_view data) {
  if (data.empty()) return;
  const std::size_t piece = 1 + static_cast<std::uint8_t>(data.front()) % 64;
  data.remove_prefix(1);
  const ReadRequest whole = read_request(data, data.size() + 1);
  const ReadRequest pieces = read_request(data, piece);
  // A fault may be seen sooner in one piece than in several; what is done is done either way.
  must((whole.state == net::ReadState::kDone) == (pieces.state == net::ReadState::kDone),
       "how the bytes arrive does not matter");
  if (!whole.request) return;
  const net::Request& request = *whole.request;
  must(request.body.size() <= kBodyLimit, "the body keeps its limit");
  must(request.body == pieces.request->body && request.target == pieces.request->target &&
           request.headers == pieces.request->headers,
       "the same message");
  for (const auto& [name, value] : request.headers) {
    must(name.find_first_of("\r\n: ") == std::string::npos, "a header's name is one word");
    must(value.find_first_of("\r\n") == std::string::npos, "a header's value is one line");
  }
  (void)request.path();
  for (const std::string& name : request.query_names()) must(request.query(name).has_value(), "a name has its value");
  (void)request.header("authorization");
}

void http_response(std::string_view data) {
  if (data.empty()) return;
  const auto how = static_cast<std::uint8_t>(data.front());
  data.remove_prefix(1);
  const bool is_head = (how & 0x80) != 0;
  const auto read = [&](std::size_t piece) {
    net::ResponseReader reader(is_head, kBodyLimit);
    net::ReadState state = feed(data, piece, [&](std::string_view bytes) { return reader.put(bytes); });
    if (state == net::ReadState::kMore) state = reader.put_end();
    std::optional<net::Response> response;
    if (state == net::ReadState::kDone) response = reader.take();
    return std::pair(state, std::move(response));
  };
  const auto whole = read(data.size() + 1);
  const auto pieces = read(1U + (how & 0x3f));
  must((whole.first == net::ReadState::kDone) == (pieces.first == net::ReadState::kDone),
       "how the bytes arrive does not matter");
  if (!whole.second) return;
  must(whole.second->body == pieces.second->body && whole.second->status == pieces.second->status, "the same message");
  must(whole.second->body.size() <= kBodyLimit, "the body keeps its limit");
  must(!is_head || whole.second->body.empty(), "an answer to HEAD has no body");
  // What was read can be written, and reads back the same. Headers that frame a message are the writer's own.
  net::Response again = *whole.second;
  again.headers.clear();
  std::string wire;
  net::encode_response(wire, again, true, false, false);
  net::ResponseReader reader(false, kBodyLimit);
  const net::ReadStep step = reader.put(wire);
  must(step.state == net::ReadState::kDone && step.used == wire.size(), "written as one answer");
  const net::Response back = reader.take();
  must(back.status == whole.second->status && back.body == whole.second->body, "reads back the same");
}

}  // namespace ffrtmp::fuzz
