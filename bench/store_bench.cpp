// Claim + complete a second on the store alone: SQLite at synchronous=FULL, on a real disk.
//   store_bench [--dir DIR=.] [--jobs N=40000] [--line 1-4]      N: jobs that each line claims and completes
// Lines: 1,000 and 100,000 queued jobs of 600 bytes, one slot a claim (256 claims in flight) and batched (64 slots, 16
// nodes). At 1,000 the queue is filled up again between rounds, outside the measured time.
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "json/json.h"
#include "store/store.h"

namespace {

std::atomic<std::int64_t> g_syncs{0};
std::atomic<std::int64_t> g_sync_ns{0};

int counted_sync(long call, int fd) {
  const auto start = std::chrono::steady_clock::now();
  const auto rc = static_cast<int>(syscall(call, fd));
  ++g_syncs;
  g_sync_ns += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  return rc;
}

}  // namespace

// Stand in front of the C library's, to count.
extern "C" int fsync(int fd) { return counted_sync(SYS_fsync, fd); }
extern "C" int fdatasync(int fd) { return counted_sync(SYS_fdatasync, fd); }

namespace {

using namespace ffrtmp;
using namespace ffrtmp::store;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "store_bench: %s\n", what.c_str());
  std::exit(1);
}

void refuse_tmpfs(const std::string& dir) {
  constexpr long kTmpfs = 0x01021994;  // TMPFS_MAGIC, linux/magic.h
  constexpr long kRamfs = 0x858458f6;  // RAMFS_MAGIC
  struct statfs fs {};
  if (statfs(dir.c_str(), &fs) != 0) die(cat("no directory ", dir));
  if (fs.f_type == kTmpfs || fs.f_type == kRamfs) die(cat(dir, " is in memory: a sync there proves nothing"));
}

double seconds_of(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

struct Clocks {
  std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();
  double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  std::int64_t syncs = g_syncs;
  std::int64_t sync_ns = g_sync_ns;
};

struct Figures {
  double seconds = 0;
  double cpu_seconds = 0;
  double writer_seconds = 0;  // CPU of the store's writer thread
  std::int64_t syncs = 0;
  double sync_seconds = 0;
  void add_since(const Clocks& start) {
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start.wall).count();
    cpu_seconds += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start.cpu;
    syncs += g_syncs - start.syncs;
    sync_seconds += static_cast<double>(g_sync_ns - start.sync_ns) / 1e9;
  }
};

class Bench {
 public:
  explicit Bench(const std::string& path) {
    auto opened = open_sqlite_store(path, Settings{}, clock_, ids_);
    if (!opened) die(opened.error().message);
    store_ = *std::move(opened);
    store_->set_listener([this](const Effects&) { writer_cpu_ = seconds_of(CLOCK_THREAD_CPUTIME_ID); });
  }

  void add_nodes(int count, int slots) {
    for (int i = 0; i < count; ++i) {
      RegisterNode r;
      r.new_node_id = new_id();
      r.instance_id = new_id();
      r.facts.name = cat("node", i);
      r.facts.slots = slots;
      model::Encoder x264;
      x264.name = "libx264";
      x264.codec = "h264";
      x264.usable = true;
      r.facts.encoders = {x264};
      if (!store_->apply_wait(r)) die("cannot register");
      nodes_.push_back({r.new_node_id, r.instance_id});
    }
  }

  void fill(std::int64_t jobs) {
    constexpr std::int64_t kInFlight = 1000;  // as many clients; all at once would measure the allocator
    for (; jobs > 0; jobs -= kInFlight) fill_at_once(std::min(jobs, kInFlight));
  }

  // Claims and completes `jobs` jobs with one claim in flight a node; the figures of that time.
  Figures drain(std::int64_t jobs, int slots) {
    slots_ = slots;
    to_claim_ = jobs;
    to_finish_ = jobs;
    Figures figures;
    const Clocks start;
    const double writer = writer_cpu_;
    for (std::size_t node = 0; node < nodes_.size(); ++node) push([this, node] { claim(node); });
    run_until_done();
    figures.add_since(start);
    figures.writer_seconds = writer_cpu_ - writer;
    return figures;
  }

  [[nodiscard]] std::size_t job_bytes() { return json::encode(a_job().job.spec).size(); }

 private:
  void fill_at_once(std::int64_t jobs) {
    std::promise<void> filled;
    std::atomic<std::int64_t> left = jobs;
    for (std::int64_t i = 0; i < jobs; ++i)
      store_->apply(a_job(), [&](const Result<Reply>& reply) {
        if (!reply) die(reply.error().message);
        if (--left == 0) filled.set_value();
      });
    filled.get_future().wait();
  }

  struct Node {
    Uuid id;
    Uuid instance;
    int open = 0;
  };

  Uuid new_id() { return ids_.next(clock_.now().utc); }

  Submit a_job() {
    Submit s;
    s.job.id = new_id();
    s.job.owner = "bench";
    s.job.spec.scenario = "720p30-h264";
    s.job.spec.parameters = {{"input", Scalars::one("/media/archive/2026/01/07/" + std::string(96, 'a') + ".mkv")},
                             {"output", Scalars::one("/media/out/2026/01/07/" + std::string(96, 'b') + ".mp4")},
                             {"bitrate", Scalars::one("2500k")}};
    s.job.effective.input = s.job.spec.parameters["input"].values.front();
    s.job.effective.output = s.job.spec.parameters["output"].values.front();
    s.job.effective.bitrate_bps = 2'500'000;
    return s;
  }

  // The caller's side is one thread, as a network thread would be: replies are handled here, not on the writer's.
  void push(std::function<void()> act) {
    {
      const std::lock_guard lock(mutex_);
      acts_.push_back(std::move(act));
      if (acts_.size() > 1) return;
    }
    ready_.notify_one();
  }
  void run_until_done() {
    std::vector<std::function<void()>> acts;
    while (to_finish_ > 0) {
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return !acts_.empty(); });
        acts.swap(acts_);
      }
      for (const auto& act : acts) act();
      acts.clear();
    }
  }

  void claim(std::size_t at) {
    const auto slots = static_cast<int>(std::min<std::int64_t>(slots_, to_claim_));
    if (slots == 0) return;
    to_claim_ -= slots;
    Node& node = nodes_[at];
    store_->apply(Claim{new_id(), node.id, node.instance, slots}, [this, at](Result<Reply> reply) {
      if (!reply) die(reply.error().message);
      auto granted = std::make_shared<Claim::Reply>(std::get<Claim::Reply>(*std::move(reply)));
      push([this, at, granted] { finish_all(at, *granted); });
    });
  }

  void finish_all(std::size_t at, const Claim::Reply& claimed) {
    if (claimed.granted.empty()) die("a claim came back empty");
    Node& node = nodes_[at];
    node.open = static_cast<int>(claimed.granted.size());
    for (const Claim::Granted& one : claimed.granted)
      store_->apply(a_result(node, one), [this, at](const Result<Reply>& reply) {
        if (!reply) die(reply.error().message);
        push([this, at] {
          --to_finish_;
          if (--nodes_[at].open == 0) claim(at);
        });
      });
  }

  Finish a_result(const Node& node, const Claim::Granted& one) {
    Finish f;
    f.attempt_id = one.attempt.id;
    f.node_id = node.id;
    f.result.result_id = new_id();
    f.result.status = model::ResultStatus::kCompleted;
    f.result.exit_code = 0;
    f.result.encoder = model::EncoderUsed{"h264", "libx264", false, {}};
    f.result.output = model::OutputInfo{};
    f.result.output->path = *one.job.effective.output;
    f.result.output->size_bytes = 12'345'678;
    f.result.output->verified = true;
    f.result.stats = model::RunStats{};
    f.result.stats->frames = 1800;
    f.result.stats->avg_fps = 240.5;
    return f;
  }

  SystemClock clock_;
  RandomIds ids_;
  std::unique_ptr<Store> store_;
  std::atomic<double> writer_cpu_{0};
  std::vector<Node> nodes_;
  int slots_ = 1;
  std::int64_t to_claim_ = 0;
  std::int64_t to_finish_ = 0;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<std::function<void()>> acts_;
};

struct Line {
  const char* name;
  std::int64_t queued;
  int nodes;
  int slots;
};

// Jobs a second.
double measure(const Line& line, const std::string& dir, std::int64_t jobs) {
  const std::string path = cat(dir, "/store_bench.", getpid(), ".db");
  Figures total;
  {
    Bench bench(path);
    bench.add_nodes(line.nodes, line.slots);
    const std::int64_t round = std::min(jobs, line.queued / 2);
    bench.fill(line.queued);
    bench.drain(std::min<std::int64_t>(round, 500), line.slots);  // warm
    std::int64_t short_of = std::min<std::int64_t>(round, 500);
    for (std::int64_t done = 0; done < jobs; done += round) {
      bench.fill(short_of);
      const Figures one = bench.drain(round, line.slots);
      total.seconds += one.seconds;
      total.cpu_seconds += one.cpu_seconds;
      total.writer_seconds += one.writer_seconds;
      total.syncs += one.syncs;
      total.sync_seconds += one.sync_seconds;
      short_of = round;
    }
  }
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(path + suffix);
  const double rate = static_cast<double>(jobs) / total.seconds;
  std::printf("%-22s %8ld %10.0f %12.1f %12.1f %12.1f %10ld %12.4f\n", line.name, static_cast<long>(line.queued), rate,
              total.cpu_seconds * 1e6 / static_cast<double>(jobs),
              total.writer_seconds * 1e6 / static_cast<double>(jobs),
              total.sync_seconds * 1e6 / static_cast<double>(jobs), static_cast<long>(total.syncs),
              static_cast<double>(total.syncs) / static_cast<double>(jobs));
  std::fflush(stdout);
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  std::string dir = ".";
  std::int64_t jobs = 40'000;
  std::int64_t only = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--dir")
      dir = argv[i + 1];
    else if (flag == "--jobs")
      jobs = parse_int(argv[i + 1]).value_or(jobs);
    else if (flag == "--line")
      only = parse_int(argv[i + 1]).value_or(0);
    else
      die(cat("unknown flag ", flag));
  }
  refuse_tmpfs(dir);
  const Line lines[] = {{"one slot a claim", 1'000, 256, 1},
                        {"one slot a claim", 100'000, 256, 1},
                        {"64 slots a claim", 1'000, 16, 64},
                        {"64 slots a claim", 100'000, 16, 64}};
  std::printf("%-22s %8s %10s %12s %12s %12s %10s %12s\n", "claim + complete", "queued", "jobs/s", "CPU us/job",
              "writer us", "in sync us", "fsyncs", "fsyncs/job");
  double rates[4];
  if (only >= 1 && only <= 4) return measure(lines[only - 1], dir, jobs) > 0 ? 0 : 1;
  for (int i = 0; i < 4; ++i) rates[i] = measure(lines[i], dir, jobs);
  std::printf("100k against 1k: %.2fx slower one by one, %.2fx batched\n", rates[0] / rates[1], rates[2] / rates[3]);
  return 0;
}
