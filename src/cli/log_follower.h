#pragma once
// Prints a job's log as it grows, attempt after attempt, or that of one.
#include <cstdint>
#include <string>

#include "api/client.h"
#include "base/result.h"

namespace ffrtmp::cli {

class LogFollower {
 public:
  // With an attempt (UUID) that one alone.
  LogFollower(api::PersonClient& client, std::string ref, std::string attempt = {})
      : client_(client), ref_(std::move(ref)), fixed_(std::move(attempt)) {}
  // Begins with what is still kept of the last `lines` lines.
  [[nodiscard]] Status start_at_tail(int lines);
  // Prints to stdout what is new; waits up to `wait_seconds` for something. Then is_over() says whether more can come.
  [[nodiscard]] Status print_new(int wait_seconds);
  [[nodiscard]] bool is_over() const { return is_over_; }

 private:
  void print(const api::LogPage& page);

  api::PersonClient& client_;
  std::string ref_;
  std::string fixed_;  // empty: the last one, and those that follow it
  Uuid attempt_;
  std::int64_t offset_ = 0;
  bool is_over_ = false;
};

// The last `lines` lines of a text.
[[nodiscard]] std::string_view last_lines(std::string_view text, int lines);

}  // namespace ffrtmp::cli
