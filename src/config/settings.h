#pragma once
// What master, worker and `up` are told at their start: typed, with their defaults. One statement a setting stands in
// settings.cpp.
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "config/table.h"
#include "model/parameters.h"

namespace ffrtmp::config {

using std::chrono::milliseconds;

// Of every role.
struct CommonSettings {
  std::string state_dir;  // set to the default place by whoever makes the struct
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kText;
  milliseconds heartbeat{30'000};         // H
  std::int64_t log_head_bytes = 1 << 20;  // of an attempt's log: what is kept of its start
  std::int64_t log_tail_bytes = 3 << 20;  // and of its end
};

struct MasterSettings {
  CommonSettings common;
  std::string listen = "0.0.0.0";  // `up`: 127.0.0.1
  int port = 8080;                 // 0: a free one
  std::string db = "master.db";    // relative to state_dir
  bool tls = true;
  std::vector<std::string> cert_ips;
  std::vector<std::string> cert_hosts;
  milliseconds lease{90'000};         // L
  milliseconds node_timeout{90'000};  // D
  milliseconds aging{300'000};        // one level of the queue is worth so much waiting
  int max_retries = 3;                // of jobs that do not say
  int cleanup_retention_days = 7;     // for which the logs of attempts are kept
  int rate_limit = 100;               // requests a second of each key; 0: none
};

struct WorkerSettings {
  CommonSettings common;
  std::string master;   // URL; empty: of the client file, else kDefaultMaster
  std::string client;   // client.yaml that gives what is not set here
  std::string api_key;  // for the first registration
  std::string ca;       // PEM file
  bool insecure_skip_verify = false;
  bool do_register = false;  // --register; without it: print what was detected
  std::string name;          // of the node; empty: the host's
  std::string work_dir;      // empty: <state-dir>/work
  int slots = 1;             // --max-concurrent-jobs
  milliseconds poll_interval{10'000};
  milliseconds drain_timeout{30'000};
  milliseconds stall_timeout{120'000};
  milliseconds machine_check{60'000};
  bool redetect = false;
  std::map<std::string, std::string> labels;
  model::VerifyLevel verify = model::VerifyLevel::kSample;
  std::string ffmpeg = "ffmpeg";
  std::string gst_launch = "gst-launch-1.0";
  std::string ffprobe = "ffprobe";
  std::vector<std::string> allow_input;   // directories; empty: the role's default
  std::vector<std::string> allow_output;  // and hosts, as URLs
  std::string output_ca;  // PEM file for rtmps; empty: the system's
  bool generate_input = true;
  int generate_max_seconds = 120;
  bool persist_inputs = false;
  bool persist_outputs = false;
  std::string confinement = "auto";  // or "none"
  std::string metrics_listen;  // address of /metrics and /readyz; empty: as the master's; "none": not served
  int metrics_port = 9091;     // 0: a free one
};

// Master and worker in one process. `common` is that of both.
struct UpSettings {
  CommonSettings common;
  MasterSettings master;
  WorkerSettings worker;
};

// How a command reaches the master.
struct ClientSettings {
  std::string client;  // client.yaml
  std::string master;  // URL; empty: of the client file
  std::string api_key;
  std::string ca;
  bool insecure_skip_verify = false;
  std::string output = "table";  // or "json"
  milliseconds timeout{30'000};
};

inline constexpr const char* kDefaultMaster = "https://localhost:8080";

// The settings of each; a table writes into its struct, which has to outlive it.
[[nodiscard]] Table master_table(MasterSettings& settings);
[[nodiscard]] Table worker_table(WorkerSettings& settings);
[[nodiscard]] Table up_table(UpSettings& settings);
[[nodiscard]] Table client_table(ClientSettings& settings);

}  // namespace ffrtmp::config
