#include "tests/e2e/storm/farm.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "api/client_file.h"
#include "base/text.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"
#include "tests/support/fake_ffmpeg.h"
#include "tests/support/own_cgroup.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;

const std::string kBinary = std::string(FFRTMP_BINARY_DIR) + "/ffrtmp";
constexpr auto kArmPatience = 60s;  // far more than it takes: the machine may be busy
constexpr int kReachSeconds = 8;    // a point that is not reached by then is given up

std::optional<sys::Cgroup> make_group() {
  const auto base = test::find_own_cgroup(sys::Host::real());
  if (!base) return std::nullopt;
  auto group = make_cgroup(cat(*base, "/ffrtmp-storm-", getpid()));
  if (!group) return std::nullopt;
  return std::move(*group);
}

}  // namespace

Farm::Farm(std::string dir) : dir_(std::move(dir)), group_(make_group()) {
  std::filesystem::create_directories(path("master"));
  program_ = install_fake_ffmpeg(path("bin"), "");
}

Farm::~Farm() {
  for (Process* process : {&workers_[0], &workers_[1], &master_}) {
    process->send(SIGKILL);
    process->wait(5s);
  }
  if (!group_) return;
  (void)group_->kill();  // nothing is in it unless the test has failed
  (void)group_->wait_empty(5s);
  (void)sys::remove_group(group_->path());
}

Process Farm::start(const Arguments& argv, const std::string& log) const {
  return Process(argv, log, {cat("FFRTMP_STORM=", dir_)}, group_ ? group_->dir().get() : -1);
}

void Farm::start_master() {
  master_ = start({kBinary, "master", "--state-dir", path("master"), "--listen", "127.0.0.1", "--port", cat(port_),
                   "--tls", "false", "--rate-limit", "0", "--heartbeat-interval", "1s", "--node-timeout", cat(kLeaseSeconds, "s"), "--lease",
                   cat(kLeaseSeconds, "s")},
                  path("master.log"));
  ASSERT_TRUE(eventually(
      [this] {
        const auto file = api::load_client_file(path("master/client.yaml"));
        if (!file) return false;
        auto client = net::Client::open({file->url, file->ca, true, file->key});
        if (!client) return false;
        net::Request request;
        request.target = "/readyz";
        const auto reply = (*client)->send(request, 2s);
        if (!reply || reply->status != 200) return false;
        url_ = file->url;
        key_ = file->key;
        port_ = static_cast<int>(parse_int(url_.substr(url_.rfind(':') + 1)).value_or(0));
        return true;
      },
      30s))
      << "the master does not come up";
}

void Farm::start_worker(int index) {
  registrations_[index] = registrations(index);
  const std::string name = worker_name(index);
  // What the first worker found out of the encoders holds for the others.
  std::error_code none_yet;
  std::filesystem::create_directories(path(name));
  std::filesystem::copy_file(path(worker_name(0) + "/encoders.json"), path(name + "/encoders.json"), none_yet);
  workers_[index] = start({kBinary,
                           "worker",
                           "--register",
                           "--client",
                           path("master/client.yaml"),
                           "--state-dir",
                           path(name),
                           "--name",
                           name,
                           "--heartbeat-interval",
                           "1s",
                           "--metrics-port",
                           "0",
                           "--poll-interval",
                           "300ms",
                           "--allow-input",
                           dir_,
                           "--allow-output",
                           dir_,
                           "--drain-timeout",
                           "0s",
                           "--max-concurrent-jobs",
                           "2",
                           "--ffmpeg",
                           program_},
                          path(name + ".log"));
}

std::size_t Farm::registrations(int index) const {
  const std::string log = path(worker_name(index) + ".log");
  if (!std::filesystem::exists(log)) return 0;
  const std::string text = read_file(log);
  std::size_t count = 0;
  for (std::size_t at = text.find("registered"); at != std::string::npos; at = text.find("registered", at + 1)) ++count;
  return count;
}

void Farm::wait_for_worker(int index) {
  EXPECT_TRUE(eventually([&] { return registrations(index) > registrations_[index]; }, 60s))
      << worker_name(index) << " does not register";
}

void Farm::stop() {
  for (Process& worker : workers_) worker.send(SIGTERM);
  for (Process& worker : workers_) EXPECT_EQ(worker.wait(30s), 0) << "a worker does not end well";
  master_.send(SIGTERM);
  EXPECT_EQ(master_.wait(15s), 0) << "the master does not end well";
}

bool Farm::can_trace() {
  const Ran ran =
      run_command({std::string(FFRTMP_KILL_AT), cat(master_.pid()), "self", "-", "none", "1", "enter", "0"});
  return ran.exit_code != 2;
}

bool Farm::carry_out(const Kill& kill, int worker, std::string& said) {
  const bool of_master = kill.point.victim == Victim::kMaster;
  Process& parent = of_master ? master_ : workers_[worker];
  const bool self = of_master || kill.point.victim == Victim::kWorker;
  const Ran ran = run_command(
      {std::string(FFRTMP_KILL_AT), cat(parent.pid()), self ? "self" : std::string(name_of(kill.point.victim)),
       kill.point.anchor, kill.point.calls, cat(kill.nth), kill.at_exit ? "exit" : "enter", cat(kReachSeconds)},
      kArmPatience + std::chrono::seconds(kReachSeconds));
  const std::size_t last = ran.out.find('\n');
  said = std::string(trim(last == std::string::npos ? ran.err : ran.out.substr(last + 1)));
  if (ran.exit_code != 0) return false;
  if (self) {
    EXPECT_EQ(parent.wait(10s), 128 + SIGKILL) << "the victim lives on";
  }
  return true;
}

std::string Farm::kill_another(int which) {
  if (which == 2) {
    std::string pids;
    const auto all = sys::read_all_stats(sys::Host::real());
    for (const sys::ProcStat& stat : all ? *all : std::vector<sys::ProcStat>{}) {
      const auto line = sys::read_text(cat("/proc/", stat.pid, "/cmdline"));
      const bool is_ours = line && line->find(cat("supervise", std::string(1, '\0'), dir_, "/")) != std::string::npos;
      if (is_ours && kill(stat.pid, SIGKILL) == 0) pids += cat(" supervisor ", stat.pid);
    }
    return pids.empty() ? " no supervisor" : pids;
  }
  Process& victim = which == 0 ? master_ : workers_[0].running() ? workers_[0] : workers_[1];
  const pid_t pid = victim.pid();
  victim.send(SIGKILL);
  EXPECT_NE(victim.wait(10s), -1);
  return cat(which == 0 ? " master " : " worker ", pid);
}

std::string Farm::revive(std::chrono::milliseconds pause) {
  std::string names;
  if (!master_.running()) names += " master";
  for (int i = 0; i < kWorkers; ++i)
    if (!workers_[i].running()) names += " " + worker_name(i);
  if (names.empty()) return names;
  std::this_thread::sleep_for(pause);
  if (!master_.running()) start_master();
  for (int i = 0; i < kWorkers; ++i)
    if (!workers_[i].running()) {
      start_worker(i);
      wait_for_worker(i);
    }
  return names;
}

void Farm::set_engines(const std::string& behaviour) {
  write_file(program_ + ".next", behaviour);
  std::filesystem::rename(program_ + ".next", program_ + ".behaviour");
}

}  // namespace ffrtmp::test
