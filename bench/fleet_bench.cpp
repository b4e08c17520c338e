// The master over TLS as its workers see it, measured from outside on a real disk. The master is the real binary in a
// process of its own; the load is this process, on the same cores.
//
//   fleet_bench BINARY DIR throughput [JOBS [SLOTS [QUEUED]]]   claim + complete a second; with SLOTS (1, 64) and
//                                              QUEUED only that line
//   fleet_bench BINARY DIR idle [WORKERS]      CPU and RSS of the master with idle workers polling
//   fleet_bench BINARY DIR dispatch [COUNT]    submit to the exec of supervisor and engine, one at a time; by the
//                                              kernel's process events, so as root
#include <poll.h>
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
#include <stdexcept>
#include <thread>

#include "api/client.h"
#include "api/client_file.h"
#include "api/codec.h"
#include "base/text.h"
#include "lean_load.h"
#include "sys/file_io.h"
#include "sys/proc_events.h"
#include "sys/proc_fs.h"
#include "sys/spawn.h"

extern char** environ;

namespace {

using namespace ffrtmp;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point begun) { return std::chrono::duration<double>(Steady::now() - begun).count(); }

// Thrown, so that the programs under way are ended.
[[noreturn]] void give_up(const std::string& why) { throw std::runtime_error(why); }

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
      : program({binary, "master", "--state-dir", dir, "--listen", "127.0.0.1", "--port", "0", "--log-level", "warn", "--rate-limit", "0"}) {
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
    token = reply.token.value_or("");
    client.set_bearer(token);
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
  std::string token;
  Uuid node_id;
};

// What the process has run so far, exact to the nanosecond; /proc counts in ticks of 10 ms.
double cpu_seconds_of(pid_t pid) {
  clockid_t clock{};
  timespec t{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) give_up("no CPU clock of the process");
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}
double rss_mib_of(pid_t pid) {
  const auto stat = must(sys::read_stat(sys::Host::real(), pid));
  return static_cast<double>(stat.rss_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// About 600 bytes, as a job of a real fleet.
std::string job_body(int n) {
  std::string body = cat("{\"scenario\":\"1080p30-h264\",\"classification\":\"production\",\"parameters\":{\"input\":\"/media/in/", n,
                         "/", std::string(160, 'a'), ".mkv\",\"output\":\"/media/out/", n, "/", std::string(160, 'b'),
                         ".mp4\",\"bitrate\":\"4000k\",\"preset\":\"veryfast\",\"audio_codec\":\"aac\",\"audio_bitrate\":\"128k\"},",
                         "\"resource_limits\":{\"max_disk_mb\":512,\"timeout_sec\":7200},\"constraints\":{\"min_threads\":2}}");
  return body;
}

constexpr int kConnections = 32;

bench::LeanLoad lean_load(const Master& master) { return {master.file.url, master.file.ca}; }

void submit_many(const Master& master, int count) {
  auto load = lean_load(master);
  int next = 0;
  for (int i = 0; i < kConnections; ++i)
    load.connect([&](std::string_view) {
      return next < count ? load.post("/jobs", master.file.key, job_body(next++)) : std::string();
    });
  load.run();
}

// One worker's claims and results, one request after the other, until the queue or the count of jobs is at its end.
class Draining {
 public:
  Draining(const bench::LeanLoad& load, const Master& master, const std::string& name, int slots, int& left)
      : load_(load), worker_(master, name), slots_(slots), left_(left) {}

  std::string next(std::string_view reply) {
    if (open_.empty()) {
      for (std::size_t at = 0; at != std::string_view::npos;)
        if (const auto id = bench::text_behind(reply, "\"attempt\":{\"id\":\"", at); !id.empty()) open_.emplace_back(id);
        else break;
      if (open_.empty() && claimed_) give_up("a claim came back empty");
      claimed_ = false;
    }
    if (!open_.empty()) return finish();
    return left_ > 0 ? claim() : std::string();
  }
  [[nodiscard]] int done() const { return done_; }

 private:
  std::string claim() {
    const int slots = std::min(slots_, left_);
    left_ -= slots;
    claimed_ = true;
    return load_.post("/claims", worker_.token, api::encode(worker_.claim(slots, 0)));
  }
  std::string finish() {
    const std::string id = std::move(open_.back());
    open_.pop_back();
    ++done_;
    return load_.post(cat("/attempts/", id, "/result"), worker_.token,
                      cat("{\"result_id\":\"", id, "\",\"status\":\"completed\",\"exit_code\":0}"));
  }

  const bench::LeanLoad& load_;
  FakeWorker worker_;
  int slots_;
  int& left_;
  int done_ = 0;
  bool claimed_ = false;
  std::vector<std::string> open_;  // attempts without a result
};

struct Figures {
  int jobs = 0;
  double seconds = 0;
  double master_cpu = 0;  // seconds
  double load_cpu = 0;    // of this process
  [[nodiscard]] double rate() const { return jobs / seconds; }
};

// Claims and completes `jobs` jobs, each claim taking `slots`.
void drain(const Master& master, int jobs, int slots, Figures& figures) {
  auto load = lean_load(master);
  std::vector<std::unique_ptr<Draining>> workers;
  int left = jobs;
  for (int i = 0; i < kConnections; ++i) {
    workers.push_back(std::make_unique<Draining>(load, master, cat("bench", i), slots, left));
    load.connect([worker = workers.back().get()](std::string_view reply) { return worker->next(reply); });
  }
  const double master_before = cpu_seconds_of(master.program.pid());
  const double load_before = cpu_seconds_of(getpid());
  const auto begun = Steady::now();
  load.run();
  figures.seconds += seconds_since(begun);
  figures.master_cpu += cpu_seconds_of(master.program.pid()) - master_before;
  figures.load_cpu += cpu_seconds_of(getpid()) - load_before;
  for (const auto& worker : workers) figures.jobs += worker->done();
}

// At 1k the queue is filled anew for each round; at 100k it hardly shrinks.
Figures measure(const Master& master, int jobs, int slots, int backlog) {
  Figures figures;
  submit_many(master, backlog);
  std::fprintf(stderr, "%d queued\n", backlog);
  while (figures.jobs < jobs) {
    const int round = std::min(jobs - figures.jobs, backlog);
    if (figures.jobs > 0 && backlog < jobs) submit_many(master, round);
    drain(master, round, slots, figures);
  }
  return figures;
}

void throughput(const std::string& binary, const std::string& dir, int jobs, int only_slots, int only_backlog) {
  std::printf("claim + complete over TLS, %d jobs of %zu bytes a row, %d connections, SQLite synchronous=FULL\n", jobs,
              job_body(1).size(), kConnections);
  std::printf("%-18s %8s %10s %20s %18s\n", "", "queued", "jobs/s", "master CPU us/job", "load CPU us/job");
  for (const int slots : {1, 64}) {
    double rate[2] = {};
    if (only_slots != 0 && slots != only_slots) continue;
    for (const int backlog : only_backlog != 0 ? std::vector{only_backlog} : std::vector{1'000, 100'000}) {
      const std::string place = cat(dir, "/", slots, "-", backlog);
      std::filesystem::create_directories(place);
      const Master master(binary, place);
      const Figures f = measure(master, jobs, slots, backlog);
      rate[backlog > 1'000 ? 1 : 0] = f.rate();
      std::printf("%-18s %8d %10.0f %20.1f %18.1f\n", slots == 1 ? "one slot a claim" : "64 slots a claim", backlog, f.rate(),
                  f.master_cpu * 1e6 / f.jobs, f.load_cpu * 1e6 / f.jobs);
      std::fflush(stdout);
    }
    if (rate[0] > 0 && rate[1] > 0) std::printf("%-18s 100k against 1k: %.2fx slower\n", "", rate[0] / rate[1]);
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
  const double before = cpu_seconds_of(master.program.pid());
  const auto begun = Steady::now();
  std::this_thread::sleep_for(60s);
  const double used = cpu_seconds_of(master.program.pid()) - before;
  std::printf("%d idle workers over TLS: %.2f %% of a core, RSS %.0f MiB\n", count,
              100 * used / seconds_since(begun), rss_mib_of(master.program.pid()));
  std::fflush(stdout);
  done = true;
  for (auto& worker : workers) worker->client.interrupt();
  for (auto& thread : threads) thread.join();
}

double at(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

// When the kernel saw the exec of each job's supervisor and engine.
class ExecTimes {
 public:
  ExecTimes(std::string supervise_dir, std::string engine)
      : events_(must(sys::ProcEvents::open(sys::ProcEvents::Kind::kExec, {}))),
        dir_(std::move(supervise_dir)),
        engine_(std::move(engine)) {}

  struct Times {
    std::chrono::nanoseconds supervisor{0};
    std::chrono::nanoseconds engine{0};
  };
  // Reads until both are known.
  Times wait() {
    Times times;
    std::vector<sys::ProcEvent> events;
    while (times.supervisor.count() == 0 || times.engine.count() == 0) {
      pollfd item{events_.fd(), POLLIN, 0};
      if (poll(&item, 1, 10'000) <= 0) give_up("no exec was seen for 10 s");
      events.clear();
      (void)must(events_.drain(events));
      for (const sys::ProcEvent& event : events) {
        const auto words = sys::read_text(cat("/proc/", event.pid, "/cmdline"));
        if (!words) continue;
        if (words->find(dir_) != std::string::npos && words->find("supervise") != std::string::npos)
          times.supervisor = event.at;
        else if (words->find(engine_) != std::string::npos && words->find("-progress") != std::string::npos &&
                 times.engine.count() == 0)
          times.engine = event.at;
      }
    }
    return times;
  }

 private:
  sys::ProcEvents events_;
  std::string dir_;
  std::string engine_;
};

void print_times(const char* what, std::vector<double>& ms) {
  std::printf("submit to the %s, idle worker, %zu jobs: p50 %.1f ms, p99 %.1f ms\n", what, ms.size(), at(ms, 0.5),
              at(ms, 0.99));
}

void dispatch(const std::string& binary, const std::string& dir, int count) {
  std::filesystem::create_directories(dir + "/m");
  const Master master(binary, dir + "/m");
  const std::string clip = dir + "/in.mp4";
  {
    Program make({"ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10", "-t", "0.5",
                  "-y", clip});
    waitpid(make.pid(), nullptr, 0);
  }
  const std::string engine = dir + "/engine";
  std::ofstream(engine) << "#!/bin/sh\ncase \" $* \" in *\" -progress \"*) sleep 0.1; exit 1;; esac\nexec ffmpeg \"$@\"\n";
  std::filesystem::permissions(engine, std::filesystem::perms::owner_all);
  const Program worker({binary, "worker", "--register", "--client", dir + "/m/client.yaml", "--state-dir", dir + "/w",
                        "--allow-input", dir, "--allow-output", dir, "--ffmpeg", engine, "--log-level", "warn", "--metrics-port", "0"});
  api::PersonClient client(master.http(master.file.key), 30s);
  while (must(client.nodes({})).value.nodes.empty()) std::this_thread::sleep_for(50ms);
  ExecTimes execs(dir + "/w/attempts", engine);
  std::vector<double> supervisor_ms;
  std::vector<double> engine_ms;
  for (int i = 0; i < count; ++i) {
    const std::chrono::nanoseconds sent = Steady::now().time_since_epoch();
    const auto job = must(client.submit(cat("{\"scenario\":\"x\",\"max_retries\":0,\"parameters\":{\"input\":\"", clip,
                                            "\",\"output\":\"", dir, "/o", i, ".mp4\"}}"),
                                        ""));
    const ExecTimes::Times times = execs.wait();
    supervisor_ms.push_back(static_cast<double>((times.supervisor - sent).count()) / 1e6);
    engine_ms.push_back(static_cast<double>((times.engine - sent).count()) / 1e6);
    while (!model::is_ended(must(client.job(cat(job.value.sequence_number))).value.status))
      std::this_thread::sleep_for(5ms);
    std::this_thread::sleep_for(50ms);  // the slot is free and the next claim waits
  }
  print_times("supervisor's exec", supervisor_ms);
  print_times("engine's exec", engine_ms);
}

void run(int argc, char** argv) {
  if (argc < 4) give_up("usage: fleet_bench BINARY DIR throughput [JOBS [SLOTS [QUEUED]]] | idle [WORKERS] | dispatch [COUNT]");
  const std::string dir = argv[2];
  std::filesystem::create_directories(dir);
  struct statfs info {};
  constexpr long kTmpfs = 0x01021994;
  if (statfs(dir.c_str(), &info) != 0 || info.f_type == kTmpfs) give_up(dir + " is on tmpfs: a commit costs nothing there");
  const std::string what = argv[3];
  const auto argument = [&](int at) { return at < argc ? std::atoi(argv[at]) : 0; };
  const int n = argument(4);
  signal(SIGPIPE, SIG_IGN);
  if (what == "throughput") throughput(argv[1], dir, n > 0 ? n : 20'000, argument(5), argument(6));
  else if (what == "idle") idle(argv[1], dir, n > 0 ? n : 1'000);
  else if (what == "dispatch") dispatch(argv[1], dir, n > 0 ? n : 200);
  else give_up("what is " + what + "?");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fleet_bench: %s\n", error.what());
    return 1;
  }
}
