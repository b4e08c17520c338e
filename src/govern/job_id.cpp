#include "govern/job_id.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::govern {
namespace {

bool is_plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string clean_job_id(std::string_view text) {
  std::string id(text.substr(0, kMaxJobIdBytes));
  bool leading = true;
  for (char& c : id) {
    leading = leading && c == '.';
    if (leading || !is_plain(c)) c = '_';
  }
  return id;
}

std::string make_auto_job_id(std::string_view command, pid_t pid) {
  const std::string tail = cat("-", pid);
  std::string id = cat("auto-", command);
  id.resize(std::min(id.size(), kMaxJobIdBytes - tail.size()));
  return clean_job_id(id + tail);
}

}  // namespace ffrtmp::govern
