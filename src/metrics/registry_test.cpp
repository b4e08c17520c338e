#include "metrics/registry.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace ffrtmp::metrics {
namespace {

TEST(Registry, WritesThePrometheusTextFormat) {
  Registry registry;
  const auto requests =
      registry.counter({"ffrtmp_requests_total", "Requests, by route\nand status.", {"route", "status"}});
  auto jobs = registry.counter({"ffrtmp_jobs_total", "Jobs that ended.", {}});
  auto free = registry.gauge({"ffrtmp_disk_free_bytes", "Free space.", {}});
  auto waits = registry.histogram({"ffrtmp_wait_seconds", "Time in the queue.", {"queue"}}, {0.1, 1, 2.5});
  registry.collect(Type::kGauge, {"ffrtmp_nodes", "Nodes, by \"status\".", {"status"}}, [](Sink& sink) {
    sink.sample({"available"}, 3);
    sink.sample({"offline"}, std::numeric_limits<double>::quiet_NaN());
  });
  auto copy = requests;
  copy.with({"/b", "200"}).add(5);
  copy.with({"/a\"\\\n", "404"}).add();
  jobs.only().add(1'000'000);
  free.only().set(0.5);
  free.only().add(1.25);
  for (const double wait : {0.1, 0.2, 2.0, 60.0}) waits.with({"live"}).observe(wait);
  EXPECT_EQ(registry.expose(), R"(# HELP ffrtmp_requests_total Requests, by route\nand status.
# TYPE ffrtmp_requests_total counter
ffrtmp_requests_total{route="/a\"\\\n",status="404"} 1
ffrtmp_requests_total{route="/b",status="200"} 5
# HELP ffrtmp_jobs_total Jobs that ended.
# TYPE ffrtmp_jobs_total counter
ffrtmp_jobs_total 1000000
# HELP ffrtmp_disk_free_bytes Free space.
# TYPE ffrtmp_disk_free_bytes gauge
ffrtmp_disk_free_bytes 1.75
# HELP ffrtmp_wait_seconds Time in the queue.
# TYPE ffrtmp_wait_seconds histogram
ffrtmp_wait_seconds_bucket{queue="live",le="0.1"} 1
ffrtmp_wait_seconds_bucket{queue="live",le="1"} 2
ffrtmp_wait_seconds_bucket{queue="live",le="2.5"} 3
ffrtmp_wait_seconds_bucket{queue="live",le="+Inf"} 4
ffrtmp_wait_seconds_sum{queue="live"} 62.3
ffrtmp_wait_seconds_count{queue="live"} 4
# HELP ffrtmp_nodes Nodes, by "status".
# TYPE ffrtmp_nodes gauge
ffrtmp_nodes{status="available"} 3
ffrtmp_nodes{status="offline"} NaN
)");
}

TEST(Registry, LabelsThatAllShareStandFirst) {
  Registry registry;
  registry.counter({"a_total", "A.", {"x"}}).with({"1"}).add();
  registry.collect(Type::kGauge, {"b", "B.", {}}, [](Sink& sink) { sink.sample({}, 2); });
  registry.label_all("component", "worker");
  registry.label_all("node_id", "old");
  registry.label_all("node_id", "new");
  const std::string text = registry.expose();
  EXPECT_NE(text.find("a_total{component=\"worker\",node_id=\"new\",x=\"1\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b{component=\"worker\",node_id=\"new\"} 2\n"), std::string::npos) << text;
}

TEST(Registry, GivesTheSameFamilyForTheSameName) {
  Registry registry;
  auto first = registry.counter({"a_total", "A.", {"x"}});
  auto second = registry.counter({"a_total", "A.", {"x"}});
  EXPECT_EQ(&first.with({"1"}), &second.with({"1"}));
  EXPECT_NE(&first.with({"1"}), &second.with({"2"}));
}

TEST(RegistryDeathTest, StopsAProgramThatMixesLabelsUp) {
  Registry registry;
  auto family = registry.counter({"a_total", "A.", {"x"}});
  EXPECT_DEATH((void)family.with({}), "a_total: another number of labels");
  EXPECT_DEATH((void)registry.gauge({"a_total", "A.", {"x"}}), "a_total: registered twice");
}

TEST(Registry, CountsFromManyThreadsWhileItIsScraped) {
  Registry registry;
  auto counts = registry.counter({"a_total", "A.", {"x"}});
  auto times = registry.histogram({"b_seconds", "B.", {}}, {1});
  constexpr int kThreads = 4;
  constexpr int kRounds = 10'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      auto& mine = counts.with({t % 2 == 0 ? "even" : "odd"});
      for (int i = 0; i < kRounds; ++i) {
        mine.add();
        times.only().observe(i % 2);
      }
    });
  }
  for (int i = 0; i < 50; ++i) (void)registry.expose();
  for (auto& thread : threads) thread.join();
  const auto text = registry.expose();
  EXPECT_NE(text.find("a_total{x=\"even\"} 20000\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b_seconds_count 40000\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b_seconds_sum 20000\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace ffrtmp::metrics
