// `ffrtmp config …` as it is typed: what it prints has to be what a worker, a shell and a JSON reader take.
#include "cli/config.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "cli/captured_run.h"
#include "cli/config_text.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::cli {
namespace {

class ConfigCommands : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"FFRTMP_CLIENT", "FFRTMP_MASTER", "MASTER_URL", "FFRTMP_API_KEY", "MASTER_API_KEY",
                             "FFMPEG_RTMP_API_KEY", "FFRTMP_MAX_CONCURRENT_JOBS", "FFRTMP_LOG_LEVEL"})
      unsetenv(name);
    roles_.detect = [this](const config::WorkerSettings& settings) -> Result<model::NodeFacts> {
      asked_ = settings;
      model::NodeFacts facts;
      facts.type = model::NodeType::kServer;
      facts.cpu_threads = 20;
      facts.ram_total_bytes = std::int64_t{64} << 30;
      return facts;
    };
    roles_.worker = [this](const config::WorkerSettings& settings) { return started_ = settings, 0; };
  }

  Ran ran(const std::vector<std::string>& arguments) { return run_captured(roles_, arguments); }

  Roles roles_;
  config::WorkerSettings asked_;
  config::WorkerSettings started_;
  test::TempDir dir_;
};

TEST_F(ConfigCommands, TheYamlIsTakenByAWorkerAsPrinted) {
  for (const char* environment : {"development", "staging", "production"}) {
    const Ran yaml = ran({"config", "recommend", "-e", environment, "-o", "yaml"});
    ASSERT_EQ(yaml.code, 0) << yaml.err;
    test::write_file(dir_ / "worker.yaml", yaml.out);
    started_ = {};
    const Ran worker = ran({"worker", "--config", dir_ / "worker.yaml"});
    EXPECT_EQ(worker.code, 0) << worker.err << yaml.out;
    EXPECT_EQ(started_.slots, environment[0] == 'd' ? 2 : 5) << yaml.out;
  }
  EXPECT_EQ(started_.drain_timeout, std::chrono::minutes(5));
}

TEST_F(ConfigCommands, TheShellsTextIsSourcedByOne) {
  const Ran bash = ran({"config", "recommend", "-o", "bash"});
  ASSERT_EQ(bash.code, 0) << bash.err;
  test::write_file(dir_ / "env.sh", bash.out);
  const std::string command = "sh -euc '. " + (dir_ / "env.sh") + " && env'";
  FILE* shell = popen(command.c_str(), "r");
  ASSERT_NE(shell, nullptr);
  std::string said;
  std::array<char, 4096> piece{};
  for (std::size_t n = 0; (n = fread(piece.data(), 1, piece.size(), shell)) > 0;) said.append(piece.data(), n);
  EXPECT_EQ(pclose(shell), 0);
  EXPECT_NE(said.find("FFRTMP_MAX_CONCURRENT_JOBS=5\n"), std::string::npos) << said;
  EXPECT_NE(said.find("FFRTMP_DRAIN_TIMEOUT=5m\n"), std::string::npos) << said;
  setenv("FFRTMP_MAX_CONCURRENT_JOBS", "5", 1);
  EXPECT_EQ(ran({"worker"}).code, 0);
  unsetenv("FFRTMP_MAX_CONCURRENT_JOBS");
  EXPECT_EQ(started_.slots, 5) << "the variable is the worker's";
}

TEST_F(ConfigCommands, JsonAndTextSayTheSame) {
  const Ran json = ran({"config", "recommend", "-o", "json"});
  EXPECT_TRUE(json.out.starts_with(
      R"({"environment":"production","type":"server","cpu_threads":20,"ram_total_bytes":68719476736,"settings":{)"))
      << json.out;
  EXPECT_NE(json.out.find(R"("max-concurrent-jobs":5)"), std::string::npos) << json.out;
  EXPECT_EQ(ran({"config", "recommend", "--output", "json"}).out, json.out);
  const Ran text = ran({"config", "recommend"});
  EXPECT_NE(text.out.find("max-concurrent-jobs  5      25 % of 20 threads"), std::string::npos) << text.out;
}

TEST_F(ConfigCommands, WrongWordsAreUsage) {
  EXPECT_EQ(ran({"config", "recommend", "-o", "xml"}).code, 2);
  EXPECT_EQ(ran({"config", "recommend", "-e", "test"}).err,
            "ffrtmp: -e: the environment must be development, staging or production\n");
  EXPECT_EQ(ran({"config", "show", "--role", "watcher"}).code, 2);
  EXPECT_EQ(ran({"config", "show", "--config", dir_ / "none.yaml"}).code, 2);
  EXPECT_EQ(ran({"config", "recommend", "--ffmpeg", "/opt/ffmpeg"}).code, 0);
  EXPECT_EQ(asked_.ffmpeg, "/opt/ffmpeg");
  roles_.detect = [](const config::WorkerSettings&) -> Result<model::NodeFacts> {
    return make_error(Errc::kGone, "ffmpeg not found in PATH");
  };
  const Ran none = ran({"config", "recommend"});
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.err, "ffrtmp: ffmpeg not found in PATH\n");
}

TEST_F(ConfigCommands, ShowSaysWhereEachSettingComesFrom) {
  const std::string file = dir_ / "w.yaml";
  test::write_file(file,
                   "max-concurrent-jobs: 3\nlabel: {zone: a, disk: \"very # fast\"}\nallow-input: [/m, \"/b c\"]\n");
  setenv("FFRTMP_LOG_LEVEL", "warn", 1);
  setenv("MASTER_API_KEY", "ffk_secret", 1);
  const Ran shown = ran({"config", "show", "--config", file});
  const Ran json = ran({"config", "show", "--config", file, "--output", "json"});
  unsetenv("FFRTMP_LOG_LEVEL");
  unsetenv("MASTER_API_KEY");
  ASSERT_EQ(shown.code, 0) << shown.err;
  for (const std::string& line :
       {"max-concurrent-jobs: 3  # " + file + ":1:1\n", std::string("log-level: warn  # FFRTMP_LOG_LEVEL\n"),
        std::string("# api-key: is set, not shown  # MASTER_API_KEY\n"), std::string("verify: sample  # default\n"),
        std::string("# ca:  # default\n"), R"(allow-input: [/m, "/b c"]  # )" + file + ":3:1\n"})
    EXPECT_NE(shown.out.find(line), std::string::npos) << line << shown.out;
  EXPECT_EQ(json.code, 0);
  EXPECT_EQ((shown.out + json.out).find("ffk_secret"), std::string::npos);
  EXPECT_NE(json.out.find(R"({"name":"max-concurrent-jobs","values":["3"],"source":")" + file), std::string::npos)
      << json.out;
  // What is shown is what holds.
  test::write_file(dir_ / "again.yaml", shown.out);
  EXPECT_EQ(ran({"worker", "--config", dir_ / "again.yaml"}).code, 0) << shown.out;
  EXPECT_EQ(started_.slots, 3);
  EXPECT_EQ(started_.labels.at("disk"), "very # fast");
  EXPECT_EQ(started_.allow_input, (std::vector<std::string>{"/m", "/b c"}));
}

TEST_F(ConfigCommands, ShowKnowsEveryRole) {
  roles_.master = [](const config::MasterSettings&) { return 0; };
  roles_.up = [](const config::UpSettings&) { return 0; };
  for (const char* role : {"worker", "master", "up"}) {
    const Ran shown = ran({"config", "show", "--role", role});
    ASSERT_EQ(shown.code, 0) << shown.err;
    test::write_file(dir_ / "shown.yaml", shown.out);
    const Ran taken = ran({role, "--config", dir_ / "shown.yaml"});
    EXPECT_EQ(taken.code, 0) << taken.err << shown.out;
  }
  EXPECT_NE(ran({"config", "show", "--role", "up"}).out.find("listen: 127.0.0.1  # default\n"), std::string::npos);
  test::write_file(dir_ / "bad.yaml", "port: high\n");
  const Ran bad = ran({"config", "show", "--role", "master", "--config", dir_ / "bad.yaml"});
  EXPECT_EQ(bad.code, 2);
  EXPECT_NE(bad.err.find("bad.yaml:1:1: port: must be a whole number"), std::string::npos) << bad.err;
}

}  // namespace
}  // namespace ffrtmp::cli
