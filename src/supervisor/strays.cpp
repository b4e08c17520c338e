// What an earlier worker left running. Only attempts that have a directory under attempts_dir are touched: groups and
// processes of another worker on this host are not ours to judge.
#include <dirent.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "base/text.h"
#include "supervisor/birth_groups.h"
#include "supervisor/link.h"
#include "supervisor/protocol.h"
#include "sys/cgroup.h"
#include "sys/pid_fd.h"
#include "sys/proc_fs.h"

namespace ffrtmp::supervisor {
namespace {

using std::chrono::milliseconds;

// A killed process may sleep in the kernel (a dead network mount) before it ends.
constexpr milliseconds kDeathTime{10'000};
// Rounds of looking for marked processes: one may be born while its parent dies.
constexpr int kRounds = 10;

Result<std::set<std::string>> list_attempts(const std::string& attempts_dir) {
  std::set<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(attempts_dir.c_str()), closedir);
  if (!dir && errno == ENOENT) return names;
  if (!dir) return last_sys_error(cat("open ", attempts_dir));
  while (const dirent* entry = readdir(dir.get()))
    if (entry->d_name[0] != '.') names.emplace(entry->d_name);
  return names;
}

Status kill_and_wait(const sys::Host& host, const sys::ProcessKey& key) {
  auto pidfd = sys::open_pidfd(host, key);
  if (!pidfd) return pidfd.error().code == Errc::kGone ? Status{} : Status(pidfd.error());
  if (Status sent = sys::send_signal(*pidfd, SIGKILL); !sent && sent.error().code != Errc::kGone) return sent;
  if (!sys::wait_ended(*pidfd, kDeathTime))
    return make_error(Errc::kTimeout, cat("process ", key.pid, " does not die"));
  return {};
}

// As init of its namespace the supervisor takes all of its tree with it.
Status kill_supervisor(const sys::Host& host, const std::string& boot_id, const Identity& identity) {
  if (identity.boot_id != boot_id) return {};
  return kill_and_wait(host, {static_cast<pid_t>(identity.pid), static_cast<std::uint64_t>(identity.start_ticks)});
}

Status empty_group(const std::string& path) {
  if (path.empty()) return {};
  auto group = sys::Cgroup::open(path);
  if (!group) return group.error().code == Errc::kGone ? Status{} : Status(group.error());
  FFRTMP_TRY(group->kill());
  return group->wait_empty(kDeathTime);
}

// Its supervisor, and what is in its unified group.
Status kill_one(const sys::Host& host, const std::string& boot_id, const std::string& dir) {
  if (const auto identity = load_identity(dir)) FFRTMP_TRY(kill_supervisor(host, boot_id, *identity));
  const auto plan = load_plan(dir);
  return plan ? empty_group(plan->cgroup) : Status{};
}

Status remove_groups_of(const std::string& dir) {
  const auto plan = load_plan(dir);
  return plan ? remove_groups(plan->cgroup, plan->joins) : Status{};  // none: it never got so far
}

// Without a namespace or a group only the environment tells whose a process is.
Status kill_marked(const sys::Host& host, const std::set<std::string>& attempts) {
  for (int round = 0; round < kRounds; ++round) {
    FFRTMP_ASSIGN(auto marked, sys::find_marked(host, kAttemptVariable));
    std::erase_if(marked, [&](const sys::MarkedProcess& process) { return !attempts.contains(process.value); });
    if (marked.empty()) return {};
    for (const sys::MarkedProcess& process : marked) FFRTMP_TRY(kill_and_wait(host, process.key));
  }
  return make_error(Errc::kTimeout, "processes of ended attempts keep appearing");
}

// Groups go last: until all is dead somebody may stand in one.
Status clear(const std::string& attempts_dir, const std::set<std::string>& attempts) {
  if (attempts.empty()) return {};
  const sys::Host host = sys::Host::real();
  FFRTMP_ASSIGN(const std::string boot_id, sys::read_boot_id(host));
  for (const std::string& attempt : attempts) FFRTMP_TRY(kill_one(host, boot_id, cat(attempts_dir, "/", attempt)));
  FFRTMP_TRY(kill_marked(host, attempts));
  for (const std::string& attempt : attempts) FFRTMP_TRY(remove_groups_of(cat(attempts_dir, "/", attempt)));
  return {};
}

}  // namespace

Status kill_strays(const std::string& attempts_dir, const std::vector<std::string>& keep) {
  FFRTMP_ASSIGN(std::set<std::string> attempts, list_attempts(attempts_dir));
  for (const std::string& kept : keep) attempts.erase(kept);
  return clear(attempts_dir, attempts);
}

Status kill_attempt(const std::string& dir) {
  const std::size_t slash = dir.rfind('/');
  return clear(dir.substr(0, slash), {dir.substr(slash + 1)});
}

}  // namespace ffrtmp::supervisor
