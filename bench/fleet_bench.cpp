// The master over TLS as its workers see it, measured from outside on a real disk. The master is the real binary in a
// process of its own; the load is this process, on the same cores.
//
//   fleet_bench BINARY DIR throughput [JOBS]   claim + complete a second at 1k and 100k queued jobs
//   fleet_bench BINARY DIR idle [WORKERS]      CPU and RSS of the master with idle workers polling
//   fleet_bench BINARY DIR dispatch [COUNT]    submit to supervisor started and to the engine's exec, one at a time
#include <signal.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "api/client.h"
#include "api/client_file.h"
#include "base/text.h"
#include "sys/proc_fs.h"
#include "sys/spawn.h"

extern char** environ;

namespace {

using namespace ffrtmp;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point begun) { return std::chrono::duration<double>(Steady::now() - begun).count(); }

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "fleet_bench: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message);
  return std::move(result).value();
}

class Program {
 public:
  explicit Program(std::vector<std::string> argv) {
    sys::Command command;
    command.argv = std::move(argv);
    for (char** at = environ; *at != nullptr; ++at) command.env.emplace_back(*at);
    child_ = must(sys::spawn(command));
  }
  ~Program() {
    kill(child_.pid, SIGTERM);
    waitpid(child_.pid, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  [[nodiscard]] pid_t pid() const { return child_.pid; }

 private:
  sys::Child child_;
};

struct Master {
  Master(const std::string& binary, const std::string& dir)
      : program({binary, "master", "--state-dir", dir, "--listen", "127.0.0.1", "--port", "0", "--log-level", "warn"}) {
    for (int i = 0; i < 500; ++i) {
      std::this_thread::sleep_for(20ms);
      auto found = api::load_client_file(dir + "/client.yaml");
      if (!found) continue;
      file = *found;
      if (api::PersonClient(http(file.key), 2s).nodes({})) return;
    }
    give_up("the master does not answer");
  }
  [[nodiscard]] std::unique_ptr<net::Client> http(const std::string& secret) const {
    return must(net::Client::open({file.url, file.ca, true, secret}));
  }
  Program program;
  api::ClientFile file;
};

api::RegisterRequest node_facts(const std::string& name) {
  api::RegisterRequest request;
  request.name = name;
  request.slots = 64;
  request.cpu_threads = 64;
  request.ram_total_bytes = std::int64_t{64} << 30;
  request.engines["ffmpeg"] = "5.1";
  model::Encoder encoder;
  encoder.name = "libx264";
  encoder.codec = "h264";
  encoder.usable = true;
  request.encoders.push_back(encoder);
  request.instance_id = RandomIds().next(SystemClock().now().utc);
  request.boot_id = "bench";
  return request;
}

struct FakeWorker {
  FakeWorker(const Master& master, const std::string& name)
      : request(node_facts(name)), client(master.http(master.file.key), 30s) {
    auto reply = must(client.register_node(request));
    node_id = reply.node.id;
    client.set_bearer(reply.token.value_or(""));
  }
  api::ClaimRequest claim(int slots, int wait) const {
    api::ClaimRequest ask;
    ask.instance_id = request.instance_id;
    ask.claim_id = RandomIds().next(SystemClock().now().utc);
    ask.node_id = node_id;
    ask.slots = slots;
    ask.wait = wait;
    return ask;
  }
  api::RegisterRequest request;
  api::WorkerClient client;
  Uuid node_id;
};

struct Usage {
  double cpu_seconds = 0;
  double rss_mib = 0;
};
Usage usage_of(pid_t pid) {
  const auto stat = must(sys::read_stat(sys::Host::real(), pid));
  return {static_cast<double>(stat.utime + stat.stime) / static_cast<double>(sysconf(_SC_CLK_TCK)),
          static_cast<double>(stat.rss_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20)};
}

// About 600 bytes, as a job of a real fleet.
std::string job_body(int n) {
  std::string body = cat("{\"scenario\":\"1080p30-h264\",\"classification\":\"production\",\"parameters\":{\"input\":\"/media/in/", n,
                         "/", std::string(160, 'a'), ".mkv\",\"output\":\"/media/out/", n, "/", std::string(160, 'b'),
                         ".mp4\",\"bitrate\":\"4000k\",\"preset\":\"veryfast\",\"audio_codec\":\"aac\",\"audio_bitrate\":\"128k\"},",
                         "\"resource_limits\":{\"max_memory_mb\":2048,\"timeout_sec\":7200},\"constraints\":{\"min_threads\":2}}");
  return body;
}

void submit_many(const Master& master, int count) {
  std::atomic<int> next{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 32; ++t)
    threads.emplace_back([&] {
      api::PersonClient client(master.http(master.file.key), 30s);
      for (int n = next++; n < count; n = next++) (void)must(client.submit(job_body(n), ""));
    });
  for (auto& thread : threads) thread.join();
}

// Jobs claimed and completed a second by `connections` workers, each taking `slots` at a time.
double drain(const Master& master, int jobs, int slots, int connections) {
  std::vector<std::unique_ptr<FakeWorker>> workers;
  for (int i = 0; i < connections; ++i) workers.push_back(std::make_unique<FakeWorker>(master, cat("bench", i)));
  std::atomic<int> done{0};
  const auto begun = Steady::now();
  std::vector<std::thread> threads;
  for (auto& worker : workers)
    threads.emplace_back([&, w = worker.get()] {
      while (done < jobs) {
        const auto reply = must(w->client.claim(w->claim(slots, 0)));
        if (reply.claims.empty()) break;
        for (const api::ClaimItem& item : reply.claims) {
          model::AttemptResult result;
          result.result_id = item.attempt.id;
          result.status = model::ResultStatus::kCompleted;
          result.exit_code = 0;
          (void)must(w->client.result(item.attempt.id, result));
          ++done;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  return done / seconds_since(begun);
}

void throughput(const std::string& binary, const std::string& dir, int jobs) {
  std::printf("claim + complete over TLS, %d jobs of %zu bytes a row, SQLite synchronous=FULL\n", jobs, job_body(1).size());
  std::printf("%-22s %14s %14s %8s\n", "", "1k queued", "100k queued", "ratio");
  for (const int slots : {1, 64}) {
    double rate[2] = {};
    double cpu_us[2] = {};
    int column = 0;
    for (const int backlog : {1'000, 100'000}) {
      const std::string place = cat(dir, "/", slots, "-", backlog);
      std::filesystem::create_directories(place);
      const Master master(binary, place);
      double total = 0;
      int rounds = 0;
      // At 1k the queue is filled anew for each round; at 100k it hardly shrinks.
      submit_many(master, backlog);
      for (int left = jobs; left > 0; left -= std::min(left, backlog)) {
        if (rounds > 0 && backlog < jobs) submit_many(master, std::min(left, backlog));
        const double before = usage_of(master.program.pid()).cpu_seconds;
        total += drain(master, std::min({left, backlog, jobs}), slots, 32);
        cpu_us[column] += (usage_of(master.program.pid()).cpu_seconds - before) * 1e6 / jobs;
        ++rounds;
      }
      rate[column++] = total / rounds;
    }
    std::printf("%-22s %12.0f/s %12.0f/s %8.2f   master CPU %.0f and %.0f us a job\n",
                slots == 1 ? "one slot a claim" : "64 slots a claim", rate[0], rate[1], rate[1] / rate[0], cpu_us[0], cpu_us[1]);
    std::fflush(stdout);
  }
}

void idle(const std::string& binary, const std::string& dir, int count) {
  const Master master(binary, dir);
  std::vector<std::unique_ptr<FakeWorker>> workers;
  for (int i = 0; i < count; ++i) workers.push_back(std::make_unique<FakeWorker>(master, cat("idle", i)));
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (auto& worker : workers)
    threads.emplace_back([&, w = worker.get()] {
      while (!done) (void)w->client.claim(w->claim(1, 30));
    });
  std::this_thread::sleep_for(5s);
  const Usage before = usage_of(master.program.pid());
  const auto begun = Steady::now();
  std::this_thread::sleep_for(60s);
  const Usage after = usage_of(master.program.pid());
  std::printf("%d idle workers over TLS: %.2f %% of a core, RSS %.0f MiB\n", count,
              100 * (after.cpu_seconds - before.cpu_seconds) / seconds_since(begun), after.rss_mib);
  std::fflush(stdout);
  done = true;
  for (auto& worker : workers) worker->client.interrupt();
  for (auto& thread : threads) thread.join();
}

double at(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

// The engine is a script that writes the clock down as its first act; the supervisor's start is the age of its plan.json
// against supervisor.json, which it writes as soon as it runs.
void dispatch(const std::string& binary, const std::string& dir, int count) {
  std::filesystem::create_directories(dir + "/m");
  const Master master(binary, dir + "/m");
  const std::string clip = dir + "/in.mp4";
  { Program make({"ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10", "-t", "0.5", "-y", clip}); 
    waitpid(make.pid(), nullptr, 0); }
  const std::string engine = dir + "/engine";
  std::ofstream(engine) << "#!/bin/sh\ncase \" $* \" in *\" -progress \"*) date +%s%N > " << dir << "/exec.tmp; mv " << dir << "/exec.tmp " << dir
                        << "/exec; exit 1;; esac\nexec ffmpeg \"$@\"\n";
  std::filesystem::permissions(engine, std::filesystem::perms::owner_all);
  const Program worker({binary, "worker", "--register", "--client", dir + "/m/client.yaml", "--state-dir", dir + "/w", "--allow-input", dir,
                        "--allow-output", dir, "--ffmpeg", engine, "--log-level", "warn"});
  api::PersonClient client(master.http(master.file.key), 30s);
  while (must(client.nodes({})).value.nodes.empty()) std::this_thread::sleep_for(50ms);
  std::vector<double> exec_ms;
  for (int i = 0; i < count; ++i) {
    std::filesystem::remove(dir + "/exec");
    const auto sent = std::chrono::system_clock::now().time_since_epoch();
    const auto job = must(client.submit(cat("{\"scenario\":\"x\",\"max_retries\":0,\"parameters\":{\"input\":\"", clip, "\",\"output\":\"", dir, "/o", i, ".mp4\"}}"), ""));
    std::int64_t ran = 0;
    while (ran == 0) {
      std::this_thread::sleep_for(1ms);
      std::ifstream(dir + "/exec") >> ran;
    }
    exec_ms.push_back(static_cast<double>(ran - std::chrono::nanoseconds(sent).count()) / 1e6);
    while (!model::is_ended(must(client.job(cat(job.value.sequence_number))).value.status)) std::this_thread::sleep_for(5ms);
    std::this_thread::sleep_for(50ms);  // the slot is free and the next claim waits
  }
  std::printf("submit to the engine's exec, idle worker, %d jobs: p50 %.1f ms, p99 %.1f ms\n", count, at(exec_ms, 0.5), at(exec_ms, 0.99));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) give_up("usage: fleet_bench BINARY DIR throughput|idle|dispatch [N]");
  const std::string dir = argv[2];
  std::filesystem::create_directories(dir);
  struct statfs info {};
  constexpr long kTmpfs = 0x01021994;
  if (statfs(dir.c_str(), &info) != 0 || info.f_type == kTmpfs) give_up(dir + " is on tmpfs: a commit costs nothing there");
  const std::string what = argv[3];
  const int n = argc > 4 ? std::atoi(argv[4]) : 0;
  signal(SIGPIPE, SIG_IGN);
  if (what == "throughput") throughput(argv[1], dir, n > 0 ? n : 20'000);
  else if (what == "idle") idle(argv[1], dir, n > 0 ? n : 1'000);
  else if (what == "dispatch") dispatch(argv[1], dir, n > 0 ? n : 200);
  else give_up("what is " + what + "?");
}
