#include "sys/user_names.h"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <thread>
#include <utility>

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

}  // namespace

std::string UserNames::ask_services(uid_t uid) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return from_file(uid);
}

std::optional<std::string> find_passwd_name(std::string_view text, uid_t uid) {
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() >= 3 && !fields[0].empty() && parse_int(fields[2]) == static_cast<std::int64_t>(uid))
      return std::string(fields[0]);
  }
  return std::nullopt;
}

UserNames::UserNames(std::chrono::seconds lifetime, std::chrono::milliseconds patience, Ask ask)
    : lifetime_(lifetime), patience_(patience), ask_(std::move(ask)) {}

UserNames::~UserNames() {
  const std::lock_guard lock(state_->mutex);
  state_->is_stopped = true;
  state_->changed.notify_all();
}

std::string UserNames::name_of(uid_t uid) {
  std::unique_lock lock(state_->mutex);
  auto& answers = state_->answers;
  const auto is_fresh = [&] {
    const auto at = answers.find(uid);
    return at != answers.end() && at->second.is_final && steady_clock::now() - at->second.at < lifetime_;
  };
  if (!is_fresh()) {
    auto& asked = state_->asked;
    if (std::find(asked.begin(), asked.end(), uid) == asked.end()) asked.push_back(uid);
    if (!std::exchange(is_started_, true))
      std::thread([state = state_, ask = ask_, patience = patience_] { answer(state, ask, patience); }).detach();
    state_->changed.notify_all();
    // Asked about many processes in a row, a service that hangs would cost the patience for each of them.
    if (!state_->is_slow) state_->is_slow = !state_->changed.wait_for(lock, patience_, is_fresh);
  }
  if (const auto at = answers.find(uid); at != answers.end()) return at->second.name;
  return (answers[uid] = {from_file(uid), steady_clock::now(), false}).name;
}

void UserNames::answer(const std::shared_ptr<State>& state, const Ask& ask, std::chrono::milliseconds patience) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->is_stopped || !state->asked.empty(); });
    if (state->is_stopped) return;
    const uid_t uid = state->asked.back();
    lock.unlock();
    const auto asked_at = steady_clock::now();
    std::string name = ask(uid);
    lock.lock();
    state->is_slow = steady_clock::now() - asked_at > patience;
    state->answers[uid] = {std::move(name), steady_clock::now(), true};
    std::erase(state->asked, uid);
    state->changed.notify_all();
  }
}

}  // namespace ffrtmp::sys
