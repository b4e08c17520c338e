// The state machine with its leases, explored: thousands of little worlds with message loss, delay and duplication,
// crashes of workers, machines and master, processes that stand still, and an operator who changes his mind. In each:
//   - every accepted job ends in one terminal state, and every submit is one job;
//   - no two copies of a job ever execute at the same time, as long as copies obey their fence;
//   - one attempt of a job is current at most, and a message of any other changes nothing;
//   - every transition is legal, and completed is never left.
// FFRTMP_SIM_SEED=n repeats one world; FFRTMP_SIM_SEEDS=n sets how many.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/log.h"
#include "store/simulation_worker.h"

namespace ffrtmp::store::simulation {
namespace {

using namespace std::chrono_literals;

constexpr int kDefaultSeeds = 3000;
constexpr Duration kTrouble = 15min;
// After the trouble: longer than every backoff of every retry together, and the leases between them.
constexpr Duration kPatience = 4h;

class Scenario {
 public:
  explicit Scenario(std::uint64_t seed) : world_(seed) {
    network_.set_weather(Weather::storm(world_));
    master_.set_failing(true);
    for (int i = world_.pick(2, 3); i > 0; --i) workers_.push_back(std::make_unique<Worker>(world_, master_, copies_));
    for (int i = 0; i < jobs_; ++i) {
      const std::string key = cat("job ", i);
      world_.after(world_.pick(0ms, Duration(5min)), [this, key] { submit(key); });
    }
    sweep();
    trouble();
    world_.after(kTrouble, [this] { heal(); });
  }

  void run() {
    const BootTime end = world_.time() + kTrouble + kPatience;
    while (world_.time() < end && !(healed_ && accepted_ == jobs_ && master_.all_ended())) world_.step();
    EXPECT_EQ(accepted_, jobs_);
    EXPECT_EQ(master_.data().jobs.size(), static_cast<std::size_t>(jobs_)) << "one job a submit";
    EXPECT_EQ(copies_.overlaps(), 0) << "two copies of a job executed at once";
    for (const auto& [sequence, row] : master_.data().jobs) {
      EXPECT_TRUE(model::is_ended(row.job->now.status))
          << "job " << sequence << " is still " << model::state_name(row.job->now.status);
    }
  }

 private:
  // A client that repeats itself until it is answered.
  void submit(const std::string& key) {
    if (answered_.contains(key)) return;
    Submit s;
    s.job.id = ids_.next(world_.now().utc);
    s.job.owner = "client";
    s.job.effective.input = "/media/in.mkv";
    s.job.spec.max_retries = world_.chance(0.2) ? 0 : world_.pick(1, 10);
    s.idempotency_key = key;
    s.body_sha256 = key;
    master_.call(s, [this, key](const Result<Reply>& reply) {
      if (reply && answered_.insert(key).second) ++accepted_;
    });
    world_.after(10s, [this, key] { submit(key); });
  }

  void sweep() {
    master_.call(Sweep{}, [](const Result<Reply>&) {});
    world_.after(2s, [this] { sweep(); });
  }

  void control(std::int64_t sequence, ControlJob::Kind kind) {
    ControlJob c;
    c.job = sequence;
    c.kind = kind;
    c.actor = "key:operator";
    master_.call(c, [](const Result<Reply>&) {});
  }

  void trouble() {
    if (healed_) return;
    Worker& worker = *workers_[static_cast<std::size_t>(world_.pick(0, static_cast<int>(workers_.size()) - 1))];
    switch (world_.pick(0, 8)) {
      case 0:
        worker.crash(false, world_.pick(Duration(1s), Duration(150s)));
        break;
      case 1:
        worker.crash(true, world_.pick(Duration(1s), Duration(150s)));
        break;
      case 2:
        worker.stand_still(world_.pick(Duration(1s), Duration(200s)));
        break;
      case 3:
        worker.cut_off(world_.pick(Duration(1s), Duration(200s)));
        break;
      case 4:
        master_.stop_for(world_.pick(Duration(100ms), Duration(120s)));
        break;
      case 5:
        network_.set_weather(Weather::storm(world_));
        break;
      default:
        control(world_.pick(1, jobs_), static_cast<ControlJob::Kind>(world_.pick(0, 3)));
        break;
    }
    world_.after(world_.pick(Duration(1s), Duration(40s)), [this] { trouble(); });
  }

  void heal() {
    healed_ = true;
    network_.set_weather(Weather::fine());
    master_.set_failing(false);
    resume_all();
  }

  // Jobs that were paused would wait for ever.
  void resume_all() {
    for (const auto& [sequence, row] : master_.data().jobs) {
      const model::JobStatus& now = row.job->now;
      if (now.status == model::JobState::kPaused || now.desired == model::Desired::kPaused)
        control(sequence, ControlJob::Kind::kResume);
    }
    world_.after(30s, [this] { resume_all(); });
  }

  World world_;
  Network network_{world_};
  WorldIds ids_{world_};
  Master master_{world_, network_};
  Copies copies_{world_};
  std::vector<std::unique_ptr<Worker>> workers_;
  const int jobs_ = world_.pick(3, 8);
  std::set<std::string> answered_;
  int accepted_ = 0;
  bool healed_ = false;
};

std::optional<std::int64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? std::nullopt : parse_int(text);
}

// contract: F49
TEST(LeaseSimulation, NothingIsLostAndNothingRunsTwice) {
  log::configure("test", log::Level::kError, log::Format::kText);
  const auto only = number_from("FFRTMP_SIM_SEED");
  const std::int64_t first = only.value_or(1);
  const std::int64_t last = only ? *only : number_from("FFRTMP_SIM_SEEDS").value_or(kDefaultSeeds);
  for (std::int64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE(cat("FFRTMP_SIM_SEED=", seed));
    Scenario(static_cast<std::uint64_t>(seed)).run();
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace ffrtmp::store::simulation
