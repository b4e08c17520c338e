#include "supervisor/protocol.h"
#include "tests/fuzz/fuzz.h"

namespace ffrtmp::fuzz {

void supervisor(std::string_view data) {
  using namespace ffrtmp::supervisor;
  if (const auto request = decode_request(data)) {
    const std::string text = encode_request(*request);
    const auto again = decode_request(text);
    must(again && encode_request(*again) == text, "a request is written as it was read");
  }
  if (const auto reply = decode_reply(data)) {
    const std::string text = encode_reply(*reply);
    const auto again = decode_reply(text);
    must(again && encode_reply(*again) == text, "a reply is written as it was read");
  }
}

}  // namespace ffrtmp::fuzz
