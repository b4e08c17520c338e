#pragma once
// Names of user ids, without ever making the caller wait: name services may ask a directory over the network, so they
// are asked on a thread of their own, and /etc/passwd answers until they have.
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace ffrtmp::sys {

class UserNames {
 public:
  // An answer counts for `lifetime`; a caller waits for a new one for at most `patience`.
  explicit UserNames(std::chrono::seconds lifetime = std::chrono::seconds(60),
                     std::chrono::milliseconds patience = std::chrono::milliseconds(5));
  ~UserNames();
  UserNames(const UserNames&) = delete;
  UserNames& operator=(const UserNames&) = delete;

  // The name of `uid`, "uid:N" without one. Any thread.
  [[nodiscard]] std::string name_of(uid_t uid);

 private:
  struct Answer {
    std::string name;
    std::chrono::steady_clock::time_point at;
    bool is_final = false;  // of the name services; else of /etc/passwd
  };
  void run();

  const std::chrono::seconds lifetime_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<uid_t, Answer> answers_;
  std::vector<uid_t> asked_;
  bool is_stopped_ = false;
  std::thread thread_;  // started by the first question
};

// Name of `uid` in the text of /etc/passwd. Pure.
[[nodiscard]] std::optional<std::string> find_passwd_name(std::string_view text, uid_t uid);

}  // namespace ffrtmp::sys
