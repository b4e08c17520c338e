#include "config/settings.h"

namespace ffrtmp::config {
namespace {

using namespace std::chrono_literals;

constexpr int kMaxSlots = 64;        // the API's range
constexpr int kMaxRetries = 10;      // the API's range
constexpr int kMaxRetentionDays = 36'500;
constexpr int kMaxSeconds = 86'400;  // the longest duration of a job

void add_common(Table& table, CommonSettings& s) {
  table.text("state-dir", s.state_dir, "directory that holds everything to be kept");
  table.log_level("log-level", s.log_level, "debug, info, warn or error");
  table.log_format("log-format", s.log_format, "text or json");
  table.duration("heartbeat-interval", s.heartbeat, 100ms, "longest silence of a healthy worker");
  table.size("log-head", s.log_head_bytes, "bytes kept of the start of a job's log");
  table.size("log-tail", s.log_tail_bytes, "bytes kept of the end of a job's log");
}

void add_master(Table& table, MasterSettings& s) {
  table.text("listen", s.listen, "address to listen on");
  table.integer("port", s.port, 0, 65535, "port to listen on; 0: a free one, printed");
  table.text("db", s.db, "SQLite file, relative to the state directory");
  table.flag("tls", s.tls, "HTTPS with an own certificate");
  table.list("cert-ips", s.cert_ips, "further addresses of the certificate");
  table.list("cert-hosts", s.cert_hosts, "further names of the certificate");
  table.duration("lease", s.lease, 500ms, "an attempt that is silent for longer is lost");
  table.duration("node-timeout", s.node_timeout, 500ms, "a node that is silent for longer is offline");
  table.duration("aging", s.aging, 1ms, "waiting that is worth one level of the queue");
  table.integer("rate-limit", s.rate_limit, 0, 1'000'000, "requests a second of each key, twice as many at once; 0: no limit");
  table.integer("cleanup-retention", s.cleanup_retention_days, 1, kMaxRetentionDays,
                "days for which the logs of jobs are kept after their last line");
  table.integer("max-retries", s.max_retries, 0, kMaxRetries, "retries of a job that does not say");
}

void add_connection(Table& table, std::string& client, std::string& master, std::string& api_key, std::string& ca,
                    bool& insecure_skip_verify) {
  table.text("client", client, "client.yaml of the master (URL, CA, key)");
  table.text("master", master, "URL of the master, instead of the client file's", {"MASTER_URL"});
  table.secret("api-key", api_key, "API key, instead of the client file's", {"MASTER_API_KEY", "FFMPEG_RTMP_API_KEY"});
  table.text("ca", ca, "PEM file of the certificate authority, instead of the client file's");
  table.flag("insecure-skip-verify", insecure_skip_verify, "do not verify the master's certificate");
}

void add_worker(Table& table, WorkerSettings& s) {
  table.text("name", s.name, "name of the node; the host's when not given");
  table.text("work-dir", s.work_dir, "directory of default outputs; <state-dir>/work when not given");
  table.integer("max-concurrent-jobs", s.slots, 1, kMaxSlots, "jobs at a time");
  table.duration("poll-interval", s.poll_interval, 1ms, "longest pause after a failed claim");
  table.duration("drain-timeout", s.drain_timeout, 0ms, "how long running jobs may go on after SIGTERM");
  table.duration("machine-check-interval", s.machine_check, 100ms,
                 "how often to look whether ffmpeg, drivers or devices have changed");
  table.flag("redetect", s.redetect, "try all encoders, whatever an earlier start found");
  table.duration("stall-timeout", s.stall_timeout, 0ms, "a job without any progress for so long is ended; 0s: never");
  table.pairs("label", s.labels, "key=value that jobs may ask for");
  table.verify_level("verify", s.verify, "how much of an output is decoded: packets, sample or full");
  table.text("ffmpeg", s.ffmpeg, "the ffmpeg program");
  table.text("gst-launch", s.gst_launch, "the gst-launch-1.0 program; none: GStreamer is not used");
  table.text("ffprobe", s.ffprobe, "the ffprobe program");
  table.text("metrics-listen", s.metrics_listen,
             "address of /metrics, /healthz, /readyz and /violations; none: not served");
  table.integer("metrics-port", s.metrics_port, 0, 65535, "port of them; 0: a free one, printed");
  table.choice("confinement", s.confinement, {"auto", "none"},
               "auto: ffmpeg may open its input, its output and the system's libraries, where the kernel can enforce it");
  table.paths("allow-input", s.allow_input, "directory that inputs may lie in");
  table.flag("generate-input", s.generate_input, "take jobs without an input and generate one");
  table.integer("generate-max-seconds", s.generate_max_seconds, 1, kMaxSeconds,
                "longest generated input; a longer job reads it again and again");
  table.flag("persist-inputs", s.persist_inputs, "keep generated inputs", {"PERSIST_INPUTS"});
  table.flag("persist-outputs", s.persist_outputs, "keep the default outputs of jobs with a generated input",
             {"PERSIST_OUTPUTS"});
  table.outlets(
      "allow-output", s.allow_output,
      "directory that outputs may lie in, or a host that live outputs may go to although it is not public, as "
      "rtmp://127.0.0.1:1935 or udp://239.1.1.1");
  table.text("output-ca", s.output_ca,
             "PEM file of the authorities that rtmps outputs are verified by; the system's when not given");
}

}  // namespace

Table master_table(MasterSettings& settings) {
  Table table;
  add_common(table, settings.common);
  add_master(table, settings);
  return table;
}

Table worker_table(WorkerSettings& settings) {
  Table table;
  add_connection(table, settings.client, settings.master, settings.api_key, settings.ca, settings.insecure_skip_verify);
  table.flag("register", settings.do_register, "join the master; without it: print what was detected");
  add_common(table, settings.common);
  add_worker(table, settings);
  return table;
}

Table up_table(UpSettings& settings) {
  Table table;
  add_common(table, settings.common);
  add_master(table, settings.master);
  add_worker(table, settings.worker);
  return table;
}

Table client_table(ClientSettings& settings) {
  Table table;
  add_connection(table, settings.client, settings.master, settings.api_key, settings.ca, settings.insecure_skip_verify);
  table.choice("output", settings.output, {"table", "json"}, "table, or json: the API's document alone");
  table.duration("timeout", settings.timeout, 1ms, "longest time for one request");
  return table;
}

}  // namespace ffrtmp::config
