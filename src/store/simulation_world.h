#pragma once
// The simulated world of lease_simulation_test: time that jumps from event to event, one source of chance, and a
// network that loses, delays and doubles messages. Everything follows from the seed.
#include <functional>
#include <queue>
#include <random>

#include "base/clock.h"

namespace ffrtmp::store::simulation {

using Duration = std::chrono::milliseconds;

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] Now now() const { return now_; }
  [[nodiscard]] BootTime time() const { return now_.boot; }

  void after(Duration delay, std::function<void()> act) { events_.push({now_.boot + delay, ++order_, std::move(act)}); }
  // Runs the next event; false when there is none.
  bool step() {
    if (events_.empty()) return false;
    Event event = std::move(const_cast<Event&>(events_.top()));
    events_.pop();
    now_.utc += std::chrono::duration_cast<std::chrono::microseconds>(event.at - now_.boot);
    now_.boot = event.at;
    event.act();
    return true;
  }

  bool chance(double probability) { return std::uniform_real_distribution<double>(0, 1)(random_) < probability; }
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  Duration pick(Duration low, Duration high) {
    return Duration(std::uniform_int_distribution<Duration::rep>(low.count(), high.count())(random_));
  }
  [[nodiscard]] std::mt19937_64& random() { return random_; }

 private:
  struct Event {
    BootTime at;
    std::uint64_t order;
    std::function<void()> act;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  std::mt19937_64 random_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  Now now_{UtcTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 7)), BootTime(std::chrono::hours(1))};
};

class WorldIds final : public IdSource {
 public:
  explicit WorldIds(World& world) : world_(world) {}
  [[nodiscard]] Uuid next(UtcTime now) override {
    std::array<std::uint8_t, 10> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(world_.random()());
    return make_uuid7(now, bytes);
  }

 private:
  World& world_;
};

// What may happen to one message, request or reply.
struct Weather {
  double loss = 0;
  double twice = 0;
  double slow = 0;  // takes up to 100 s, longer than a lease
  [[nodiscard]] static Weather fine() { return {}; }
  [[nodiscard]] static Weather storm(World& world) {
    return {0.01 * world.pick(0, 30), 0.01 * world.pick(0, 15), 0.01 * world.pick(0, 10)};
  }
};

class Network {
 public:
  explicit Network(World& world) : world_(world) {}
  void set_weather(const Weather& weather) { weather_ = weather; }

  // Carries one message: not at all, once or twice, at once or late.
  void carry(std::function<void()> arrive) {
    const int copies = world_.chance(weather_.twice) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      if (world_.chance(weather_.loss)) continue;
      const bool slow = world_.chance(weather_.slow);
      world_.after(slow ? world_.pick(Duration(1000), Duration(100'000)) : world_.pick(Duration(1), Duration(200)),
                   arrive);
    }
  }

 private:
  World& world_;
  Weather weather_;
};

}  // namespace ffrtmp::store::simulation
