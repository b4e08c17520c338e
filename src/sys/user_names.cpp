#include "sys/user_names.h"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {
namespace {

using std::chrono::steady_clock;

std::string from_file(uid_t uid) {
  if (const auto text = read_text("/etc/passwd"))
    if (auto name = find_passwd_name(*text, uid)) return std::move(*name);
  return cat("uid:", uid);
}

std::string from_services(uid_t uid) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return from_file(uid);
}

}  // namespace

std::optional<std::string> find_passwd_name(std::string_view text, uid_t uid) {
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() >= 3 && !fields[0].empty() && parse_int(fields[2]) == static_cast<std::int64_t>(uid))
      return std::string(fields[0]);
  }
  return std::nullopt;
}

UserNames::UserNames(std::chrono::seconds lifetime, std::chrono::milliseconds patience)
    : lifetime_(lifetime), patience_(patience) {}

UserNames::~UserNames() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_all();
  // A name service that hangs would hang the end of the process: the thread has nothing that needs it to be joined,
  // except the members it uses.
  if (thread_.joinable()) thread_.join();
}

std::string UserNames::name_of(uid_t uid) {
  std::unique_lock lock(mutex_);
  const auto fresh = [&] {
    const auto at = answers_.find(uid);
    return at != answers_.end() && at->second.is_final && steady_clock::now() - at->second.at < lifetime_;
  };
  if (!fresh()) {
    if (std::find(asked_.begin(), asked_.end(), uid) == asked_.end()) asked_.push_back(uid);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.notify_all();
    changed_.wait_for(lock, patience_, fresh);
  }
  if (const auto at = answers_.find(uid); at != answers_.end()) return at->second.name;
  return answers_[uid] = {from_file(uid), steady_clock::now(), false}, answers_[uid].name;
}

void UserNames::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return is_stopped_ || !asked_.empty(); });
    if (is_stopped_) return;
    const uid_t uid = asked_.back();
    lock.unlock();
    std::string name = from_services(uid);
    lock.lock();
    answers_[uid] = {std::move(name), steady_clock::now(), true};
    std::erase(asked_, uid);
    changed_.notify_all();
  }
}

}  // namespace ffrtmp::sys
