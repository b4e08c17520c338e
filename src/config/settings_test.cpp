#include "config/settings.h"

#include <gtest/gtest.h>

#include "config/sources.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::config {
namespace {

using namespace std::chrono_literals;

Sources sources(Flags flags, std::map<std::string, std::string> variables = {}, std::string file = {}) {
  return {std::move(flags),
          [variables](const std::string& name) -> std::optional<std::string> {
            const auto at = variables.find(name);
            if (at == variables.end()) return std::nullopt;
            return at->second;
          },
          std::move(file)};
}

std::vector<std::string> messages(const std::vector<Error>& errors) {
  std::vector<std::string> out;
  for (const Error& error : errors) out.push_back(error.message);
  return out;
}

TEST(Settings, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const test::TempDir dir;
  test::write_file(dir / "c.yaml", "port: 1\nlease: 1m\nmax-retries: 1\n");
  MasterSettings s;
  const auto errors = load(master_table(s),
                           sources({{"port", {"3"}}}, {{"FFRTMP_PORT", "2"}, {"FFRTMP_LEASE", "50s"}}, dir / "c.yaml"));
  EXPECT_EQ(messages(errors), std::vector<std::string>{});
  EXPECT_EQ(s.port, 3);
  EXPECT_EQ(s.lease, 50s);
  EXPECT_EQ(s.max_retries, 1);
  EXPECT_EQ(s.node_timeout, 90s);
}

TEST(Settings, VariablesOfOldStandBehindOurs) {
  WorkerSettings s;
  EXPECT_TRUE(
      load(worker_table(s), sources({}, {{"MASTER_URL", "https://a"}, {"FFMPEG_RTMP_API_KEY", "old"}})).empty());
  EXPECT_EQ(s.master, "https://a");
  EXPECT_EQ(s.api_key, "old");
  EXPECT_TRUE(load(worker_table(s), sources({}, {{"MASTER_API_KEY", "new"},
                                                 {"FFMPEG_RTMP_API_KEY", "old"},
                                                 {"FFRTMP_MASTER", "https://b"},
                                                 {"MASTER_URL", "https://a"}}))
                  .empty());
  EXPECT_EQ(s.master, "https://b");
  EXPECT_EQ(s.api_key, "new");
}

TEST(Settings, EveryFaultNamesSettingAndSource) {
  const test::TempDir dir;
  test::write_file(dir / "c.yaml", "# settings\nprot: 1\naging: soon\ncert-ips: [a, b]\n");
  MasterSettings s;
  const auto errors = load(master_table(s), sources({{"port", {"70000"}}}, {{"FFRTMP_LEASE", "50"}}, dir / "c.yaml"));
  EXPECT_EQ(messages(errors), (std::vector<std::string>{
                                  dir / "c.yaml:2:1: unknown setting \"prot\", did you mean \"port\"?",
                                  "--port: must be a whole number from 0 to 65535",
                                  "FFRTMP_LEASE: must be a duration such as 30s or 1m30s",
                                  dir / "c.yaml:3:1: aging: must be a duration such as 30s or 1m30s",
                              }));
}

TEST(Settings, ListsAndPairs) {
  const test::TempDir dir;
  test::write_file(dir / "c.yaml",
                   "label: {zone: a, disk: ssd}\nallow-input: [/a, '/b,c']\nverify: full\nlog-head: 2MiB\n");
  WorkerSettings s;
  EXPECT_EQ(messages(load(worker_table(s), sources({{"allow-output", {"/x", "/y"}}}, {}, dir / "c.yaml"))),
            std::vector<std::string>{});
  EXPECT_EQ(s.labels, (std::map<std::string, std::string>{{"zone", "a"}, {"disk", "ssd"}}));
  EXPECT_EQ(s.allow_input, (std::vector<std::string>{"/a", "/b,c"}));
  EXPECT_EQ(s.allow_output, (std::vector<std::string>{"/x", "/y"}));
  EXPECT_EQ(s.verify, model::VerifyLevel::kFull);
  EXPECT_EQ(s.common.log_head_bytes, 2 << 20);
}

TEST(Settings, BrokenFilesSayWhere) {
  const test::TempDir dir;
  MasterSettings s;
  test::write_file(dir / "twice.yaml", "port: 1\nport: 2\n");
  EXPECT_EQ(messages(load(master_table(s), sources({}, {}, dir / "twice.yaml"))),
            std::vector<std::string>{dir / "twice.yaml:2:1: \"port\" stands twice"});
  test::write_file(dir / "list.yaml", "- port\n");
  EXPECT_EQ(messages(load(master_table(s), sources({}, {}, dir / "list.yaml"))),
            std::vector<std::string>{dir / "list.yaml:1:1: must be a map of settings"});
  EXPECT_EQ(load(master_table(s), sources({}, {}, dir / "none.yaml")).size(), 1U);
}

TEST(Settings, NamesAreUniqueInEveryTable) {
  UpSettings up;
  WorkerSettings worker;
  for (const Table& table : {up_table(up), worker_table(worker)}) {
    std::map<std::string, int> count;
    for (const Setting& setting : table.settings()) EXPECT_EQ(++count[setting.name], 1) << setting.name;
  }
}

TEST(Size, IsReadWithItsUnit) {
  EXPECT_EQ(*parse_size("4096"), 4096);
  EXPECT_EQ(*parse_size("512KiB"), 512 << 10);
  EXPECT_EQ(*parse_size("3MiB"), 3 << 20);
  for (const char* text : {"", "MiB", "-1", "1MB", "1.5MiB", "99999999999999GiB"})
    EXPECT_FALSE(parse_size(text)) << text;
}

}  // namespace
}  // namespace ffrtmp::config
