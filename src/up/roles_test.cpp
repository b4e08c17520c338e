// The roles as processes of their own: what they leave in the state directory, how they end, and what they refuse.
#include "up/roles.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "api/client_file.h"
#include "base/text.h"
#include "net/client.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"
#include "up/signals.h"

namespace ffrtmp::up {
namespace {

using test::eventually;

using namespace std::chrono_literals;

// A role in a child; its stderr in a file.
class Role {
 public:
  Role(const std::function<int()>& run, const std::string& log) : pid_(fork()) {
    if (pid_ != 0) return;
    if (freopen(log.c_str(), "w", stderr) == nullptr) _exit(99);
    _exit(run());
  }
  ~Role() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;
  void send(int signal) const { kill(pid_, signal); }
  // The exit code; -1 when it has not ended after `patience` or was killed.
  int wait(std::chrono::seconds patience) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    int status = 0;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > give_up) return -1;
      std::this_thread::sleep_for(10ms);
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
};

class Roles : public testing::Test {
 protected:
  config::MasterSettings master_settings(const std::string& name = "m") {
    config::MasterSettings settings;
    settings.common.state_dir = dir_ / name;
    settings.listen = "127.0.0.1";
    settings.port = 0;
    return settings;
  }
  // Status of a GET as the client file says it; 0 without an answer.
  static int get(const std::string& client_file, const std::string& target) {
    const auto file = api::load_client_file(client_file);
    if (!file) return 0;
    auto client = net::Client::open({file->url, file->ca, true, file->key});
    if (!client) return 0;
    net::Request request;
    request.target = target;
    const auto reply = (*client)->send(request, 5s);
    return reply ? reply->status : 0;
  }
  std::string log() const { return test::read_file(log_); }

  test::TempDir dir_;
  const std::string log_ = dir_ / "log";
  const std::string client_file_ = dir_ / "m/client.yaml";
};

TEST_F(Roles, AMasterServesUntilItIsToldToStop) {
  Role role([&] { return run_master(master_settings()); }, log_);
  ASSERT_TRUE(eventually([&] { return get(client_file_, "/readyz") == 200; }, 30s)) << log();
  EXPECT_EQ(get(client_file_, "/api/v1/jobs"), 200) << "the client file lets its reader in, over verified TLS";
  role.send(SIGTERM);
  EXPECT_EQ(role.wait(20s), 0) << log();
}

// contract: F46
TEST_F(Roles, WhatAMasterKeepsIsForItsOwnerAlone) {
  Role role(
      [&] {
        umask(0);
        return run_master(master_settings());
      },
      log_);
  ASSERT_TRUE(eventually([&] { return get(client_file_, "/readyz") == 200; }, 30s)) << log();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / "m")) {
    struct stat info {};
    ASSERT_EQ(lstat(entry.path().c_str(), &info), 0);
    if (entry.path().extension() == ".crt") continue;  // public
    EXPECT_EQ(info.st_mode & 0077, 0U) << entry.path();
  }
  const std::string secret = api::load_client_file(client_file_)->key;
  ASSERT_GT(secret.size(), 20U);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "m/master.db"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / "m")) {
    if (!entry.is_regular_file() || entry.path() == client_file_) continue;
    EXPECT_EQ(test::read_file(entry.path()).find(secret), std::string::npos) << entry.path() << " holds the plain key";
  }
  role.send(SIGINT);
  EXPECT_EQ(role.wait(20s), 0);
}

TEST_F(Roles, TheKeyStaysOverAStart) {
  std::string key;
  for (int start = 0; start < 2; ++start) {
    Role role([&] { return run_master(master_settings()); }, log_);
    ASSERT_TRUE(eventually([&] { return get(client_file_, "/readyz") == 200; }, 30s)) << log();
    const auto file = api::load_client_file(client_file_);
    ASSERT_TRUE(file);
    if (start == 0) key = file->key;
    EXPECT_EQ(file->key, key);
    role.send(SIGTERM);
    EXPECT_EQ(role.wait(20s), 0);
  }
}

TEST_F(Roles, TwoMastersDoNotShareADirectoryOrAPort) {
  config::MasterSettings first = master_settings();
  Role role([&] { return run_master(first); }, log_);
  ASSERT_TRUE(eventually([&] { return get(client_file_, "/readyz") == 200; }, 30s)) << log();
  Role same_directory([&] { return run_master(master_settings()); }, dir_ / "second");
  EXPECT_EQ(same_directory.wait(20s), 1);
  EXPECT_NE(test::read_file(dir_ / "second").find(dir_ / "m"), std::string::npos) << "it names the directory";

  const std::string url = api::load_client_file(client_file_)->url;
  config::MasterSettings taken = master_settings("n");
  taken.port = std::stoi(url.substr(url.rfind(':') + 1));
  Role same_port([&] { return run_master(taken); }, dir_ / "third");
  EXPECT_EQ(same_port.wait(20s), 1);
  EXPECT_NE(test::read_file(dir_ / "third").find(cat(taken.port)), std::string::npos) << "it names the port";
  EXPECT_EQ(get(client_file_, "/readyz"), 200) << "the first one goes on";
  role.send(SIGTERM);
  EXPECT_EQ(role.wait(20s), 0);
}

TEST_F(Roles, IntervalsThatContradictAreRefused) {
  config::MasterSettings settings = master_settings();
  settings.lease = 200s;  // above node_timeout
  Role role([&] { return run_master(settings); }, log_);
  EXPECT_EQ(role.wait(20s), 2);
  EXPECT_NE(log().find("lease <= offline"), std::string::npos) << log();
  EXPECT_FALSE(std::filesystem::exists(client_file_));
}

TEST_F(Roles, AWorkerWithoutRegisterSaysWhatItFoundAndKeepsNothing) {
  config::WorkerSettings settings;
  settings.common.state_dir = dir_ / "w";
  const std::string out = dir_ / "out";
  Role role(
      [&] {
        if (freopen(out.c_str(), "w", stdout) == nullptr) return 99;
        return run_worker(settings);
      },
      log_);
  EXPECT_EQ(role.wait(60s), 0) << log();
  const std::string text = test::read_file(out);
  EXPECT_NE(text.find("libx264"), std::string::npos) << text;
  EXPECT_FALSE(std::filesystem::exists(dir_ / "w"));
}

TEST_F(Roles, AWorkerWithoutAnFfmpegDoesNotStart) {
  config::WorkerSettings settings;
  settings.common.state_dir = dir_ / "w";
  settings.ffmpeg = dir_ / "no-ffmpeg";
  settings.master = "https://127.0.0.1:1";
  settings.do_register = true;
  Role role([&] { return run_worker(settings); }, log_);
  EXPECT_EQ(role.wait(60s), 1) << log();
  EXPECT_NE(log().find("no-ffmpeg"), std::string::npos) << log();
}

TEST_F(Roles, UpIsBothAndEndsBoth) {
  config::UpSettings settings;
  settings.common.state_dir = dir_ / "m";
  settings.master = master_settings();
  Role role([&] { return run_up(settings); }, log_);
  const auto knows_a_node = [&] {
    const auto file = api::load_client_file(client_file_);
    if (!file) return false;
    auto client = net::Client::open({file->url, file->ca, true, file->key});
    net::Request request;
    request.target = "/api/v1/nodes";
    const auto reply = client ? (*client)->send(request, 5s) : Result<net::Response>(std::move(client).error());
    return reply && reply->body.find("\"status\":\"available\"") != std::string::npos;
  };
  ASSERT_TRUE(eventually(knows_a_node, 60s)) << log();
  // The master knows the node a moment before its worker has written its token down.
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(dir_ / "m/node.json"); }, 10s))
      << "one state directory for both";
  role.send(SIGTERM);
  EXPECT_EQ(role.wait(30s), 0) << log();
  EXPECT_EQ(get(client_file_, "/healthz"), 0);
}

TEST(StopSignals, AreWaitedForAndConsumed) {
  Role role(
      [] {
        block_stop_signals();
        if (wait_for_stop_signal(0ms)) return 10;
        kill(getpid(), SIGTERM);
        kill(getpid(), SIGINT);
        if (!wait_for_stop_signal(1000ms) || !wait_for_stop_signal(1000ms)) return 11;
        if (wait_for_stop_signal(20ms)) return 12;
        // A peer that went away must not end the process.
        int ends[2];
        if (pipe(ends) != 0) return 13;
        close(ends[0]);
        return write(ends[1], "x", 1) < 0 ? 0 : 14;
      },
      "/dev/null");
  EXPECT_EQ(role.wait(10s), 0);
}

}  // namespace
}  // namespace ffrtmp::up
