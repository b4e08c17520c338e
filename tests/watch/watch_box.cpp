#include "tests/watch/watch_box.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "net/client.h"
#include "sys/proc_events.h"
#include "sys/proc_fs.h"

namespace ffrtmp::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

int g_boxes = 0;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Where groups of any controller may be: every mounted hierarchy.
std::vector<std::string> mounts() {
  std::vector<std::string> found;
  std::ifstream file("/proc/self/mountinfo");
  std::string line;
  while (std::getline(file, line)) {
    const auto dash = line.find(" - cgroup");
    if (dash == std::string::npos) continue;
    found.emplace_back(split(line, ' ')[4]);
  }
  return found;
}

std::string mount_of(const std::string& controller) {
  for (const std::string& mount : mounts()) {
    if (is_cgroup_v2() && fs::exists(mount + "/cgroup.controllers")) return mount;
    if (mount.ends_with("/" + controller) || mount.find("/" + controller + ",") != std::string::npos) return mount;
  }
  return "";
}

}  // namespace

std::string ffrtmp_binary() {
  const char* other = std::getenv("FFRTMP_BINARY");
  return other == nullptr ? std::string(FFRTMP_BINARY_DIR) + "/ffrtmp" : other;
}

bool is_cgroup_v2() { return fs::exists("/sys/fs/cgroup/cgroup.controllers"); }

bool has_process_events() { return sys::ProcEvents::open(sys::ProcEvents::Kind::kExec, {}).has_value(); }

WatchBox::WatchBox() : target_(cat("fft", getpid(), "x", ++g_boxes)) { install(); }

WatchBox::~WatchBox() {
  if (::testing::Test::HasFailure() && fs::exists(dir_ / "watch.log"))
    std::fprintf(stderr, "---- watch.log\n%s\n", read_file(dir_ / "watch.log").c_str());
  if (daemon_.running()) stop_daemon();
  std::vector<pid_t> pids;
  for (const auto& [pid, running] : targets_)
    if (running) pids.push_back(pid);
  for (const pid_t pid : pids) end(pid);
  // A crash on purpose leaves groups for a later daemon; there is none, so they go here.
  for (const std::string& group : groups()) {
    for (int i = 0; i < 100 && rmdir(group.c_str()) != 0; ++i) std::this_thread::sleep_for(10ms);
    (void)rmdir(fs::path(group).parent_path().c_str());
  }
}

std::string WatchBox::install(const std::string& program, const std::string& name) {
  const std::string path = dir_ / cat("bin/", name.empty() ? target_ : name);
  fs::create_directories(dir_ / "bin");
  fs::copy_file(program, path, fs::copy_options::overwrite_existing);
  return path;
}

pid_t WatchBox::start_target(const std::vector<std::string>& arguments, const std::string& argv0) {
  std::vector<std::string> argv{dir_ / ("bin/" + target_)};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return start(argv, argv0);
}

pid_t WatchBox::start(const std::vector<std::string>& argv, const std::string& argv0, const std::string& cwd) {
  std::vector<char*> raw;
  for (const std::string& argument : argv) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  if (!argv0.empty()) raw[0] = const_cast<char*>(argv0.c_str());
  const pid_t pid = fork();
  if (pid == 0) {
    if (!cwd.empty() && chdir(cwd.c_str()) != 0) _exit(126);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv(argv[0].c_str(), raw.data());
    _exit(127);
  }
  targets_[pid] = true;
  return pid;
}

void WatchBox::end(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  targets_[pid] = false;
}

bool WatchBox::alive(pid_t pid) const {
  const auto stat = sys::read_stat(sys::Host::real(), pid);
  return stat && stat->state != 'Z';
}

void WatchBox::write_policy(const std::string& more) {
  std::string text = cat("metrics: {listen: \"\"}\n");
  if (more.find("target_commands") == std::string::npos) text += cat("target_commands: [", target_, "]\n");
  if (more.find("state:") == std::string::npos) text += cat("state: {enabled: true, path: ", state_path(), "}\n");
  write_file(dir_ / "watch.yaml", text + more);
}

Arguments WatchBox::command(const Arguments& flags) const {
  Arguments argv{ffrtmp_binary()};
  argv.insert(argv.end(), flags.begin(), flags.end());
  for (const std::string& flag :
       {std::string("--watch-config"), dir_ / "watch.yaml", std::string("--runtime-dir"), dir_ / "rt"})
    argv.push_back(flag);
  return argv;
}

Process& WatchBox::start_daemon(const Arguments& flags, const Arguments& env) {
  if (!fs::exists(dir_ / "watch.yaml")) write_policy("default_limits: {cpu_quota: 50}\n");
  Arguments all{"watch"};
  if (std::find(flags.begin(), flags.end(), "--log-level") == flags.end())
    all.insert(all.end(), {"--log-level", "debug"});
  all.insert(all.end(), flags.begin(), flags.end());
  daemon_ = Process(command(all), dir_ / "watch.log", env);
  return daemon_;
}

bool WatchBox::govern(pid_t pid, const std::string& policy) {
  write_policy(policy);
  start_daemon();
  return wait_governed(pid);
}

int WatchBox::stop_daemon(int signal) {
  daemon_.send(signal);
  const int code = daemon_.wait(30s);
  EXPECT_NE(code, -1) << "the daemon does not end";
  return code;
}

std::string WatchBox::log() const { return fs::exists(dir_ / "watch.log") ? read_file(dir_ / "watch.log") : ""; }

std::size_t WatchBox::count_log(const std::string& text) const {
  const std::string all = log();
  std::size_t count = 0;
  for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
  return count;
}

bool WatchBox::wait_log(const std::string& text, std::size_t times, std::chrono::milliseconds patience) const {
  return eventually([&] { return count_log(text) >= times; }, patience);
}

std::pair<int, std::string> WatchBox::get(const std::string& path) const {
  net::ClientOptions options;
  options.base_url = "http://localhost";
  options.unix_path = dir_ / "rt/watch.sock";
  auto client = net::Client::open(std::move(options));
  if (!client) return {0, client.error().message};
  net::Request request;
  request.target = path;
  const auto reply = (*client)->send(request, 10s);
  if (!reply) return {0, reply.error().message};
  return {reply->status, reply->body};
}

bool WatchBox::wait_ready() const {
  return eventually([&] { return get("/readyz").first == 200; }, 30s);
}

std::string WatchBox::group_of(pid_t pid, const std::string& controller) const {
  std::ifstream file(cat("/proc/", pid, "/cgroup"));
  std::string line;
  while (std::getline(file, line)) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const auto names = split(parts[1], ',');
    const bool is_it =
        is_cgroup_v2() ? parts[0] == "0" : std::find(names.begin(), names.end(), controller) != names.end();
    if (is_it) return line.substr(line.find(':', line.find(':') + 1) + 1);
  }
  return "";
}

bool WatchBox::is_governed(pid_t pid, const std::string& controller) const {
  return group_of(pid, controller).find("/ffrtmp/auto-") != std::string::npos;
}

bool WatchBox::wait_governed(pid_t pid, std::chrono::milliseconds patience) const {
  return eventually([&] { return is_governed(pid) && count_log(cat("✓ Attached to PID ", pid, " ")) > 0; }, patience);
}

std::string WatchBox::knob_path(pid_t pid, const std::string& controller, const std::string& v2_file,
                                const std::string& v1_file) const {
  const std::string name = controller == "io" && !is_cgroup_v2() ? "blkio" : controller;
  return cat(mount_of(name), group_of(pid, name), "/", is_cgroup_v2() ? v2_file : v1_file);
}

std::string WatchBox::knob(pid_t pid, const std::string& controller, const std::string& v2_file,
                           const std::string& v1_file) const {
  return first_line(knob_path(pid, controller, v2_file, v1_file));
}

std::string WatchBox::make_group(const std::string& controller) {
  const std::string path = cat(mount_of(controller), "/other-", target_);
  fs::create_directory(path);
  return path;
}

int WatchBox::nice_of(pid_t pid) const { return getpriority(PRIO_PROCESS, static_cast<id_t>(pid)); }

std::vector<std::string> WatchBox::groups() const {
  std::vector<std::string> found;
  for (const std::string& mount : mounts()) {
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator(mount, fs::directory_options::skip_permission_denied, error);
         at != fs::recursive_directory_iterator(); at.increment(error)) {
      if (error) break;
      if (at->is_directory(error) && at->path().filename().string().find(target_) != std::string::npos)
        found.push_back(at->path().string());
    }
  }
  return found;
}

}  // namespace ffrtmp::test
