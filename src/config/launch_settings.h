#pragma once
// What `run` and `attach` are told: limits for one process, and how to go about it.
#include <chrono>
#include <string>
#include <vector>

#include "config/table.h"
#include "model/limits.h"

namespace ffrtmp::config {

// Of both.
struct GovernSettings {
  model::Limits limits;
  std::string job_id;  // empty: made from the pid
  bool strict = false;
  std::string placement = "nested";  // or "root"
  std::string runtime_dir;           // empty: govern::default_runtime_dir
  std::string cgroup_root;           // empty: detected
  bool json = false;
};

struct RunSettings {
  GovernSettings govern;
  bool sla_eligible = false;
  std::string intent = "production";
  std::string workdir;
  bool take_stdin = false;  // --stdin; else it is /dev/null
  bool kill_on_exit = false;
  std::chrono::milliseconds kill_grace{10'000};  // from SIGTERM to the end of the whole group
  std::vector<std::string> command;              // what stands behind "--"
};

struct AttachSettings {
  GovernSettings govern;
  int pid = 0;
  bool children = false;
  std::string late_memory = "observe";
  std::string on_stop = "restore";  // or "keep"
  std::chrono::milliseconds reconcile_interval{30'000};
};

[[nodiscard]] Table run_table(RunSettings& settings);
[[nodiscard]] Table attach_table(AttachSettings& settings);
// The limit flags alone.
void add_limits(Table& table, model::Limits& limits);
// What no single flag shows: a soft limit above the hard one, two spellings of one file.
[[nodiscard]] std::vector<Error> check_limits(const model::Limits& limits);

// "50000 100000" or "max 100000" as --cpu-max has it; absent for max.
[[nodiscard]] Result<std::optional<model::CpuMax>> parse_cpu_max(std::string_view text);

}  // namespace ffrtmp::config
