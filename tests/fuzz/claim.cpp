#include "govern/claim.h"

#include "json/json.h"
#include "tests/fuzz/fuzz.h"

namespace ffrtmp::fuzz {

void claim(std::string_view data) {
  const auto claim = govern::parse_claim(data);
  if (!claim) return;
  must(claim->key().pid > 0, "a claim names a process");
  for (const govern::Original& member : claim->governed.members)
    must(member.key().pid > 0, "so does each of its members");
  const std::string text = json::encode(*claim);
  const auto again = govern::parse_claim(text);
  must(again && json::encode(*again) == text, "a claim is written as it was read");
}

}  // namespace ffrtmp::fuzz
