#include "config/recommend.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "config/settings.h"
#include "config/sources.h"

namespace ffrtmp::config {
namespace {

model::NodeFacts machine(int threads, bool hardware, model::NodeType type) {
  model::NodeFacts facts;
  facts.cpu_threads = threads;
  facts.type = type;
  model::Encoder encoder;
  encoder.name = "h264_vaapi";
  encoder.hardware = true;
  encoder.usable = hardware;
  facts.encoders = {encoder};
  encoder.name = "libx264";
  encoder.hardware = false;
  encoder.usable = true;
  facts.encoders.push_back(encoder);
  return facts;
}

TEST(Recommend, SlotsFollowThreadsHardwareEnvironmentAndKind) {
  using enum Environment;
  using enum model::NodeType;
  struct Row {
    int threads;
    bool hardware;
    model::NodeType type;
    Environment environment;
    const char* slots;
  };
  for (const Row& row : {Row{16, false, kServer, kProduction, "4"}, Row{16, true, kServer, kProduction, "12"},
                         Row{64, true, kServer, kProduction, "12"}, Row{64, true, kServer, kDevelopment, "12"},
                         Row{16, true, kServer, kDevelopment, "6"}, Row{16, true, kServer, kStaging, "12"},
                         Row{8, true, kDesktop, kProduction, "6"}, Row{64, false, kDesktop, kProduction, "6"},
                         Row{8, false, kDesktop, kStaging, "2"}, Row{8, false, kDesktop, kDevelopment, "1"},
                         Row{16, true, kLaptop, kProduction, "4"}, Row{4, true, kLaptop, kProduction, "3"},
                         Row{4, true, kLaptop, kDevelopment, "1"}, Row{2, false, kDesktop, kProduction, "1"},
                         Row{1, true, kServer, kProduction, "1"}}) {
    const auto settings = recommend(machine(row.threads, row.hardware, row.type), row.environment);
    ASSERT_EQ(settings.front().name, "max-concurrent-jobs");
    EXPECT_EQ(settings.front().value, row.slots)
        << row.threads << " threads, hardware " << row.hardware << ", " << name_of(row.environment);
  }
}

TEST(Recommend, SaysWhy) {
  const auto reason = [](int threads, bool hardware, Environment environment) {
    return recommend(machine(threads, hardware, model::NodeType::kDesktop), environment).front().reason;
  };
  EXPECT_EQ(reason(8, false, Environment::kProduction), "25 % of 8 threads, as no hardware encoder works");
  EXPECT_EQ(reason(8, true, Environment::kDevelopment),
            "75 % of 8 threads, as h264_vaapi works, half of it in development");
  EXPECT_EQ(reason(32, true, Environment::kStaging), "75 % of 32 threads, as h264_vaapi works, at most 6 on a desktop");
  EXPECT_EQ(reason(2, false, Environment::kStaging), "25 % of 2 threads, as no hardware encoder works, at least one");
}

// Every key is a setting of the worker, every value one that it takes.
TEST(Recommend, AWorkerTakesAllOfIt) {
  for (const auto environment : {Environment::kDevelopment, Environment::kStaging, Environment::kProduction}) {
    Sources sources;
    sources.environment = [](const std::string&) { return std::optional<std::string>(); };
    for (const auto& one : recommend(machine(16, true, model::NodeType::kServer), environment))
      sources.flags[one.name] = {one.value};
    WorkerSettings settings;
    const Table table = worker_table(settings);
    for (const auto& [name, values] : sources.flags) EXPECT_NE(table.find(name), nullptr) << name;
    for (const Error& error : load(table, sources)) ADD_FAILURE() << error.message;
  }
}

TEST(Environments, HaveThreeNames) {
  for (const char* name : {"development", "staging", "production"}) {
    const auto parsed = parse_environment(name);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(name_of(*parsed), name);
  }
  EXPECT_EQ(parse_environment("prod").error().message, "the environment must be development, staging or production");
}

}  // namespace
}  // namespace ffrtmp::config
