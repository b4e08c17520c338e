#include "tests/e2e/storm/census.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/proc_fs.h"
#include "tests/support/own_cgroup.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kSampleEvery = 25ms;
// Seen at work together in so many samples in a row: between two looks at two groups one of them may have stopped.
constexpr int kSamplesInARow = 3;

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string in_words(pid_t pid) {
  std::string line = slurp(cat("/proc/", pid, "/cmdline"));
  for (char& c : line)
    if (c == '\0') c = ' ';
  return cat(pid, ": ", line);
}

// "<stem>" of the partial file "<stem>.<attempt>.part.<ext>" that a command line names.
std::string output_of(const std::string& cmdline, const std::string& attempt) {
  const std::size_t at = cmdline.find(cat(".", attempt, ".part."));
  if (at == std::string::npos) return "";
  const std::size_t slash = cmdline.rfind('/', at);
  return slash == std::string::npos ? "" : cmdline.substr(slash + 1, at - slash - 1);
}

}  // namespace

std::vector<std::string> living(const std::string& dir, const std::string& group) {
  std::set<pid_t> in_group;
  if (!group.empty())
    if (const auto opened = sys::Cgroup::open(group))
      if (const auto procs = opened->procs()) in_group.insert(procs->begin(), procs->end());
  std::vector<std::string> found;
  const auto all = sys::read_all_stats(sys::Host::real());
  if (!all) return {all.error().message};
  for (const sys::ProcStat& stat : *all) {
    if (stat.pid == getpid() || stat.state == 'Z') continue;
    const bool ours = in_group.contains(stat.pid) ||
                      slurp(cat("/proc/", stat.pid, "/cmdline")).find(dir + "/") != std::string::npos ||
                      slurp(cat("/proc/", stat.pid, "/environ")).find(dir) != std::string::npos;
    if (ours) found.push_back(in_words(stat.pid));
  }
  return found;
}

std::vector<std::string> attempt_groups(const std::string& group) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(group + "/ffrtmp", error))
    if (entry.is_directory(error)) found.push_back(entry.path().string());
  return found;
}

DoubleWatch::DoubleWatch(std::string group, Findings& findings) : group_(std::move(group)), findings_(findings) {
  if (!group_.empty()) thread_ = std::thread([this] { loop(); });
}

DoubleWatch::~DoubleWatch() {
  done_ = true;
  if (thread_.joinable()) thread_.join();
}

void DoubleWatch::loop() {
  std::map<std::string, int> in_a_row;
  for (; !done_; std::this_thread::sleep_for(kSampleEvery)) {
    std::map<std::string, int> now;
    for (const auto& [output, attempts] : running()) {
      if (attempts.size() < 2) continue;
      now[output] = in_a_row[output] + 1;
      if (now[output] != kSamplesInARow || !told_.insert(output).second) continue;
      std::string names;
      for (const std::string& attempt : attempts) names += " " + attempt;
      findings_.add(cat("attempts that run at once for ", output, ":", names));
    }
    in_a_row = std::move(now);
    ++samples_;
  }
}

std::map<std::string, std::set<std::string>> DoubleWatch::running() {
  std::map<std::string, std::set<std::string>> found;
  for (const std::string& path : attempt_groups(group_)) {
    const std::string attempt = fs::path(path).filename();
    const auto group = sys::Cgroup::open(path);
    if (!group) continue;
    const auto procs = group->procs();
    if (!procs || is_frozen(*group)) continue;
    for (const pid_t pid : *procs) {
      const auto stat = sys::read_stat(sys::Host::real(), pid);
      if (!stat || stat->state == 'Z' || stat->state == 'X' || stat->state == 'T') continue;
      const std::string output = output_of(slurp(cat("/proc/", pid, "/cmdline")), attempt);
      if (output.empty()) continue;
      found[output].insert(attempt);
      if (seen_.insert(attempt).second) ++attempts_seen_;
    }
  }
  return found;
}

}  // namespace ffrtmp::test
