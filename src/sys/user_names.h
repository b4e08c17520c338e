#pragma once
// Names of user ids, without ever making the caller wait: name services may ask a directory over the network, so they
// are asked on a thread of their own, and /etc/passwd answers until they have.
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ffrtmp::sys {

class UserNames {
 public:
  using Ask = std::function<std::string(uid_t)>;
  // The name services of this host (getpwuid_r), and /etc/passwd where they have none; "uid:N" without any.
  [[nodiscard]] static std::string ask_services(uid_t uid);

  // An answer counts for `lifetime`. A caller waits for a new one for at most `patience`, and not at all while the last
  // answer took longer than that, or is taking longer. `ask` is called on a thread that may outlive this object.
  explicit UserNames(std::chrono::seconds lifetime = std::chrono::seconds(60),
                     std::chrono::milliseconds patience = std::chrono::milliseconds(5), Ask ask = ask_services);
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
  // Shared with the thread, which is left to itself at the end: a name service may hang for good.
  struct State {
    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::map<uid_t, Answer> answers;
    std::vector<uid_t> asked;
    bool is_slow = false;
    bool is_stopped = false;
  };
  static void answer(const std::shared_ptr<State>& state, const Ask& ask, std::chrono::milliseconds patience);

  const std::chrono::seconds lifetime_;
  const std::chrono::milliseconds patience_;
  const Ask ask_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  bool is_started_ = false;  // under the mutex; the thread comes with the first question
};

// Name of `uid` in the text of /etc/passwd. Pure.
[[nodiscard]] std::optional<std::string> find_passwd_name(std::string_view text, uid_t uid);

}  // namespace ffrtmp::sys
