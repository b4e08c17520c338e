#include "tests/e2e/box.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "api/client_file.h"
#include "api/codec.h"
#include "base/text.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"

extern char** environ;

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;

const std::string kBinary = std::string(FFRTMP_BINARY_DIR) + "/ffrtmp";

Arguments environment(const Arguments& extra) {
  Arguments env;
  for (char** at = environ; *at != nullptr; ++at) env.emplace_back(*at);
  env.insert(env.end(), extra.begin(), extra.end());
  return env;
}

// What the first worker with the real ffmpeg found out, for those of later tests of this build: looking takes ten
// seconds of two cores. A worker believes it only where it would believe its own.
std::string encoder_cache() { return std::string(FFRTMP_BINARY_DIR) + "/test-encoders.json"; }

// Programs run beside each other: it appears whole, and is not changed any more. A fake ffmpeg lies in the test's
// directory, and what it can do is nobody else's.
void keep_encoders(const std::string& found, const std::string& test_dir) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(encoder_cache(), error) || !fs::exists(found, error)) return;
  if (read_file(found).find(test_dir) != std::string::npos) return;
  const std::string mine = cat(encoder_cache(), ".", getpid());
  if (fs::copy_file(found, mine, error)) fs::rename(mine, encoder_cache(), error);
}

bool mentions(pid_t pid, const std::string& text) {
  const auto command_line = sys::read_text(cat("/proc/", pid, "/cmdline"));
  return command_line && command_line->find(text) != std::string::npos;
}

}  // namespace

Process::Process(const Arguments& argv, const std::string& log_path, const Arguments& extra_env, int cgroup_dir) {
  const sys::Fd log(open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  sys::Command command;
  command.argv = argv;
  command.env = environment(extra_env);
  command.fds = {{1, log.get()}, {2, log.get()}};
  command.cgroup_dir = cgroup_dir;
  auto child = sys::spawn(command);
  if (!child) {
    ADD_FAILURE() << child.error().message;
    return;
  }
  child_ = std::move(*child);
  reaped_ = false;
}

Process::~Process() {
  if (reaped_) return;
  kill(child_.pid, SIGKILL);
  waitpid(child_.pid, nullptr, 0);
}

Process::Process(Process&& other) noexcept
    : child_(std::move(other.child_)), status_(other.status_), reaped_(std::exchange(other.reaped_, true)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  if (!reaped_) {
    kill(child_.pid, SIGKILL);
    waitpid(child_.pid, nullptr, 0);
  }
  child_ = std::move(other.child_);
  status_ = other.status_;
  reaped_ = std::exchange(other.reaped_, true);
  return *this;
}

bool Process::running() { return wait(0ms) == -1 && !reaped_; }

void Process::send(int signal) const {
  if (!reaped_) kill(child_.pid, signal);
}

int Process::wait(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!reaped_) {
    int status = 0;
    if (waitpid(child_.pid, &status, WNOHANG) == child_.pid) {
      reaped_ = true;
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() >= until) {
      return -1;
    } else {
      std::this_thread::sleep_for(10ms);
    }
  }
  return status_;
}

Ran run_command(const Arguments& argv, std::chrono::milliseconds patience) {
  const TempDir dir;
  Ran ran;
  {
    const sys::Fd out(open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const sys::Fd err(open((dir / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    sys::Command command;
    command.argv = argv;
    command.env = environment({});
    command.fds = {{1, out.get()}, {2, err.get()}};
    auto child = sys::spawn(command);
    if (!child) {
      ran.err = child.error().message;
      return ran;
    }
    int status = 0;
    const bool ended = eventually([&] { return waitpid(child->pid, &status, WNOHANG) == child->pid; }, patience);
    if (!ended) {
      kill(child->pid, SIGKILL);
      waitpid(child->pid, &status, 0);
      ADD_FAILURE() << argv.front() << " did not end";
    }
    ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  ran.out = read_file(dir / "out");
  ran.err = read_file(dir / "err");
  return ran;
}

Box::Box() { std::filesystem::create_directories(dir_ / "master"); }

Box::~Box() {
  if (::testing::Test::HasFailure()) {
    for (const char* log : {"master.log", "w1.log", "w2.log"})
      if (std::filesystem::exists(dir_ / log)) std::fprintf(stderr, "---- %s\n%s\n", log, read_file(dir_ / log).c_str());
  }
  for (auto& [name, worker] : workers_) {
    worker.send(SIGCONT);
    worker.send(SIGTERM);
    worker.send(SIGTERM);
  }
  for (auto& [name, worker] : workers_)
    EXPECT_NE(worker.wait(20s), -1) << "worker " << name << " does not end";
  master_.send(SIGTERM);
  EXPECT_NE(master_.wait(10s), -1) << "the master does not end";
  EXPECT_TRUE(eventually([this] { return engine_processes().empty(); }, 5s)) << "processes are left";
  for (const auto& [name, worker] : workers_) keep_encoders(dir_ / (name + "/encoders.json"), dir_.path());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path()))
    EXPECT_EQ(entry.path().string().find(".part."), std::string::npos) << "partial file left: " << entry.path();
}

void Box::start_master(const Arguments& flags, const Arguments& env) {
  Arguments argv{kBinary,       "master",     "--state-dir",          dir_ / "master", "--listen",       "127.0.0.1",
                 "--port",      cat(port_),   "--heartbeat-interval", "1s",            "--rate-limit",   "0"};
  for (const char* interval : {"--node-timeout", "--lease"})
    if (std::find(flags.begin(), flags.end(), interval) == flags.end()) argv.insert(argv.end(), {interval, "4s"});
  argv.insert(argv.end(), flags.begin(), flags.end());
  master_ = Process(argv, dir_ / "master.log", env);
  client_.reset();
  ASSERT_TRUE(eventually(
      [this] {
        auto file = api::load_client_file(dir_ / "master/client.yaml");
        if (!file) return false;
        auto client = net::Client::open({file->url, file->ca, true, file->key});
        if (!client) return false;
        net::Request request;
        request.target = "/api/v1/nodes";
        auto reply = (*client)->send(request, 2s);
        if (!reply || reply->status != 200) return false;
        client_ = std::move(*client);
        port_ = static_cast<int>(parse_int(file->url.substr(file->url.rfind(':') + 1)).value_or(0));
        return true;
      },
      20s))
      << "the master does not answer";
}

void Box::start_worker(const std::string& name, const Arguments& flags) {
  Arguments argv{kBinary,         "worker",
                 "--register",    "--client",
                 dir_ / "master/client.yaml", "--state-dir",
                 dir_ / name,     "--name",
                 name,            "--heartbeat-interval",
                 "1s",            "--metrics-port",
                 "0",             "--poll-interval",
                 "300ms",         "--allow-input",
                 dir_.path(),     "--allow-output",
                 dir_.path(),     "--drain-timeout",
                 "0s"};
  // Live jobs would go to GStreamer where it is installed: tests of ffmpeg's way mean ffmpeg.
  if (std::find(flags.begin(), flags.end(), "--gst-launch") == flags.end()) argv.insert(argv.end(), {"--gst-launch", "none"});
  argv.insert(argv.end(), flags.begin(), flags.end());
  std::error_code none_yet;
  std::filesystem::create_directories(dir_ / name);
  if (std::find(flags.begin(), flags.end(), "--ffmpeg") == flags.end())  // whatever a fake of an earlier start could do
    std::filesystem::copy_file(encoder_cache(), dir_ / (name + "/encoders.json"),
                               std::filesystem::copy_options::overwrite_existing, none_yet);
  workers_[name] = Process(argv, dir_ / (name + ".log"));
}

std::string Box::wait_for_token(const std::string& name) {
  const std::string file = path(name + "/node.json");
  EXPECT_TRUE(eventually(
      [&] { return std::filesystem::exists(file) && read_file(file).find("ffn_") != std::string::npos; }, 20s));
  return read_file(file);
}

void Box::wait_for_nodes(std::size_t count) {
  ASSERT_TRUE(eventually(
      [&] {
        auto list = api::decode<api::NodeList>(http("GET", "/api/v1/nodes").body);
        std::size_t ready = 0;
        if (list)
          for (const auto& node : list->nodes)
            if (node.status != model::NodeStatus::kOffline) ++ready;
        return ready >= count;
      },
      30s))
      << "the workers do not register";
}

Ran Box::cli(const Arguments& arguments) {
  Arguments argv{kBinary, "--client", dir_ / "master/client.yaml"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_command(argv);
}

std::string Box::clip(double seconds, const std::string& name) {
  const std::string path = dir_ / name;
  if (std::filesystem::exists(path)) return path;
  const Ran made = run_command({"ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30",
                                "-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=48000", "-t", format_fixed(seconds, 3),
                                "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-y", path});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return path;
}

net::Response Box::http(const std::string& method, const std::string& target, const std::string& body,
                        const std::vector<std::pair<std::string, std::string>>& headers) {
  net::Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  request.headers = headers;
  auto reply = client_->send(request, 20s);
  if (!reply) return {0, "", reply.error().message, {}};
  return std::move(*reply);
}

std::string Box::key() const {
  auto file = api::load_client_file(dir_ / "master/client.yaml");
  return file ? file->key : "";
}

std::int64_t Box::submit(const std::string& input, const std::string& output, const std::string& more_parameters,
                         const std::string& more) {
  const std::string body = cat("{\"scenario\":\"test\",\"parameters\":{\"input\":\"", input, "\",\"output\":\"", output,
                               "\",\"preset\":\"ultrafast\"", more_parameters, "}", more, "}");
  const net::Response reply = http("POST", "/api/v1/jobs", body);
  EXPECT_EQ(reply.status, 201) << reply.body;
  auto job = api::decode<api::Job>(reply.body);
  return job ? job->sequence_number : -1;
}

api::Job Box::job(std::int64_t number) {
  const net::Response reply = http("GET", cat("/api/v1/jobs/", number));
  auto job = api::decode<api::Job>(reply.body);
  if (!job) return {};
  return std::move(*job);
}

api::Job Box::wait_for(std::int64_t number, const std::function<bool(const api::Job&)>& wanted,
                       std::chrono::milliseconds patience) {
  api::Job last;
  const bool came = eventually(
      [&] {
        last = job(number);
        return last.sequence_number == number && wanted(last);
      },
      patience);
  EXPECT_TRUE(came) << "job " << number << " did not get there: " << http("GET", cat("/api/v1/jobs/", number)).body;
  return last;
}

api::Job Box::wait_end(std::int64_t number, std::chrono::milliseconds patience) {
  return wait_for(number, [](const api::Job& job) { return model::is_ended(job.status); }, patience);
}

std::vector<pid_t> Box::engine_processes() const {
  std::vector<pid_t> pids;
  auto marked = sys::find_marked(sys::Host::real(), "FFRTMP_ATTEMPT");
  if (!marked) return pids;
  for (const auto& process : *marked)
    if (mentions(process.key.pid, dir_.path())) pids.push_back(process.key.pid);
  return pids;
}

bool Box::engine_runs() const {
  return std::ranges::any_of(engine_processes(), [](pid_t pid) {
    const std::string name = read_file(cat("/proc/", pid, "/comm"));
    return !name.empty() && name != "ffrtmp-sv\n";
  });
}

}  // namespace ffrtmp::test
