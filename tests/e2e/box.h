#pragma once
// The real binary on one box for one test: a master and workers as processes, a client that talks HTTP to them, and a
// census of what is left when the test ends. Short liveness intervals, so that a lost worker costs seconds.
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/wire.h"
#include "net/client.h"
#include "sys/spawn.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::test {

using Arguments = std::vector<std::string>;

// One process of the test; killed with it.
class Process {
 public:
  Process() = default;
  Process(const Arguments& argv, const std::string& log_path, const Arguments& extra_env = {}, int cgroup_dir = -1);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  [[nodiscard]] pid_t pid() const { return child_.pid; }
  [[nodiscard]] bool running();
  void send(int signal) const;
  // Exit code, 128+n after signal n, -1 when it still runs after `patience`.
  int wait(std::chrono::milliseconds patience);

 private:
  sys::Child child_;
  int status_ = -1;
  bool reaped_ = true;
};

// Result of a command that ran to its end.
struct Ran {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class Box {
 public:
  Box();
  ~Box();  // ends what it started and fails the test when anything of it lives on
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  // ---- processes ----
  void start_master(const Arguments& flags = {}, const Arguments& env = {});
  void start_worker(const std::string& name = "w1", const Arguments& flags = {});
  Process& master() { return master_; }
  Process& worker(const std::string& name = "w1") { return workers_.at(name); }
  [[nodiscard]] std::string worker_dir(const std::string& name = "w1") const { return dir_ / name; }
  // Until the worker has written down the token that the master gave it; returns its node.json.
  std::string wait_for_token(const std::string& name = "w1");
  void wait_for_nodes(std::size_t count);
  // `ffrtmp --client … ARGS`.
  Ran cli(const Arguments& arguments);

  // ---- files ----
  [[nodiscard]] std::string path(const std::string& name) const { return dir_ / name; }
  // A clip with sound, made once a process.
  std::string clip(double seconds, const std::string& name = "in.mp4");

  // ---- API ----
  net::Response http(const std::string& method, const std::string& target, const std::string& body = {},
                     const std::vector<std::pair<std::string, std::string>>& headers = {});
  [[nodiscard]] std::string key() const;
  // Submits and gives the number; `more` are further members of the body, as ",\"max_retries\":0".
  std::int64_t submit(const std::string& input, const std::string& output, const std::string& more_parameters = {},
                      const std::string& more = {});
  api::Job job(std::int64_t number);
  // Waits for a state; fails the test after `patience`.
  api::Job wait_for(std::int64_t number, const std::function<bool(const api::Job&)>& wanted,
                    std::chrono::milliseconds patience = std::chrono::seconds(60));
  api::Job wait_end(std::int64_t number, std::chrono::milliseconds patience = std::chrono::seconds(60));

  // Engines and supervisors of this box alive now, by their environment mark.
  [[nodiscard]] std::vector<pid_t> engine_processes() const;
  // Whether one of them is more than a supervisor, which goes some milliseconds after it has told of the engine's end.
  [[nodiscard]] bool engine_runs() const;

 private:
  TempDir dir_;
  Process master_;
  std::map<std::string, Process> workers_;
  std::unique_ptr<net::Client> client_;
  int port_ = 0;
};

Ran run_command(const Arguments& argv, std::chrono::milliseconds patience = std::chrono::seconds(60));

}  // namespace ffrtmp::test
