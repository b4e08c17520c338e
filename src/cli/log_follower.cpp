#include "cli/log_follower.h"

#include <cstdio>

#include "base/text.h"

namespace ffrtmp::cli {
namespace {

constexpr std::int64_t kTailBytes = 256 * 1024;  // more than any tail a person reads

}  // namespace

std::string_view last_lines(std::string_view text, int lines) {
  if (lines <= 0) return {};
  std::size_t at = text.size();
  if (at > 0 && text[at - 1] == '\n') --at;
  for (; lines > 0; --lines) {
    const std::size_t newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    if (newline == std::string_view::npos) return text;
    at = newline;
  }
  return text.substr(at + 1);
}

void LogFollower::print(const api::LogPage& page) {
  std::fwrite(page.data.data(), 1, page.data.size(), stdout);
  std::fflush(stdout);
  offset_ = page.next_offset;
}

Status LogFollower::start_at_tail(int lines) {
  FFRTMP_ASSIGN(auto page, client_.logs(ref_, {.attempt = fixed_, .offset = -kTailBytes}));
  attempt_ = page.value.attempt;
  page.value.data = std::string(last_lines(page.value.data, lines));
  print(page.value);
  is_over_ = page.value.eof;
  return {};
}

Status LogFollower::print_new(int wait_seconds) {
  for (;;) {
    FFRTMP_ASSIGN(auto page, client_.logs(ref_, {.attempt = fixed_, .offset = offset_, .wait_seconds = wait_seconds}));
    if (page.value.attempt == attempt_ || attempt_.is_nil()) {
      attempt_ = page.value.attempt;
      print(page.value);
      is_over_ = page.value.eof;
      if (is_over_ || page.value.data.empty()) return {};
    } else {  // a new attempt: the former one to its end first, then this one from its start
      FFRTMP_ASSIGN(const auto rest, client_.logs(ref_, {.attempt = attempt_.str(), .offset = offset_}));
      print(rest.value);
      if (!rest.value.data.empty()) continue;
      attempt_ = page.value.attempt;
      offset_ = 0;
    }
    wait_seconds = 0;  // once something was printed, only what is there already
  }
}

}  // namespace ffrtmp::cli
