#pragma once
// What a worker is told at its start.
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/parameters.h"

namespace ffrtmp::worker {

//   <state-dir>/
//     node.json     identity and token, 0600, flock'ed while a worker runs
//     encoders.json what the trials of the encoders came to (media/encoder_cache.h)
//     attempts/     one directory an attempt (attempt_dir.h)
//   <work-dir>/outputs/   default outputs
//   <work-dir>/inputs/    generated inputs (input_dir.h)
struct Settings {
  std::string program;  // this binary, to start supervisors with
  std::string state_dir;
  std::string work_dir;
  std::string name;     // of the node; the host's when empty
  std::string master_url;
  std::string ca_file;
  bool verify_tls = true;
  std::string api_key;  // for the first registration
  int slots = 1;        // 1-64
  std::chrono::milliseconds heartbeat{30'000};
  std::chrono::milliseconds poll_pause{10'000};  // longest pause after a failed claim
  std::chrono::milliseconds drain{30'000};
  std::chrono::milliseconds stall{120'000};
  bool redetect = false;                            // trust nothing that an earlier start found
  std::chrono::milliseconds machine_check{60'000};  // between two looks whether ffmpeg, drivers or devices changed
  std::map<std::string, std::string> labels;
  model::VerifyLevel verify = model::VerifyLevel::kSample;
  std::string ffmpeg = "ffmpeg";    // runs the jobs
  std::string gst_launch = "gst-launch-1.0";  // runs those of engine gstreamer; empty: never
  std::string verifier = "ffmpeg";  // decodes outputs: never the program that made them, should that one be a wrapper
  std::string ffprobe = "ffprobe";
  bool confine = false;  // engines reach their input and output alone; set where the kernel can
  std::vector<std::string> input_roots;   // resolved
  std::vector<std::string> output_roots;  // resolved
  std::vector<std::string> outlets;       // hosts that live outputs may go to although they are not public
  std::string output_ca;                  // PEM file for rtmps; empty: the system's
  bool generate_input = true;             // takes jobs without an input and makes one
  int generate_max_seconds = 120;         // of a generated input; what is longer is read again and again
  bool persist_inputs = false;            // generated ones stay
  bool persist_outputs = false;           // default outputs of generated inputs stay
  std::string metrics_listen;  // empty: 127.0.0.1 with a master on this host, all addresses else; "none": not served
  std::uint16_t metrics_port = 9091;  // 0: a free one
  std::int64_t log_head_bytes = 1 << 20;
  std::int64_t log_tail_bytes = 3 << 20;
};

// GStreamer keeps what it knows of its plug-ins; without a place for it, each start looks at all of them.
[[nodiscard]] inline std::string plugin_registry_of(const Settings& settings) {
  return settings.state_dir + "/gstreamer-registry.bin";
}

}  // namespace ffrtmp::worker
