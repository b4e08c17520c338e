#include "up/roles.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "api/client_file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/machine_text.h"
#include "master/app.h"
#include "sys/host.h"
#include "up/signals.h"
#include "worker/app.h"
#include "worker/machine.h"

namespace ffrtmp::up {
namespace {

using namespace std::chrono_literals;

int fail(const Error& error) {
  log::error(error.message, error.field.empty() ? log::Fields{} : log::Fields{{"setting", error.field}});
  return exit_code(error.code);
}

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  return error ? path : real.string();
}

std::vector<std::string> absolute(std::vector<std::string> paths) {
  for (std::string& path : paths) path = absolute(path);
  return paths;
}

master::Options master_options(const config::MasterSettings& settings) {
  master::Options options;
  options.state_dir = absolute(settings.common.state_dir);
  options.listen = settings.listen;
  options.port = static_cast<std::uint16_t>(settings.port);
  options.db = settings.db;
  options.tls = settings.tls;
  options.cert_hosts = settings.cert_hosts;
  options.cert_ips = settings.cert_ips;
  options.store.intervals = store::intervals_for(settings.common.heartbeat, settings.node_timeout, settings.lease);
  options.store.aging = settings.aging;
  options.store.max_retries = settings.max_retries;
  options.rate_limit = settings.rate_limit;
  options.log_head_bytes = settings.common.log_head_bytes;
  options.log_tail_bytes = settings.common.log_tail_bytes;
  options.log_retention_days = settings.cleanup_retention_days;
  return options;
}

worker::Settings worker_settings(const config::WorkerSettings& settings) {
  worker::Settings out;
  out.program = "/proc/self/exe";
  out.state_dir = absolute(settings.common.state_dir);
  out.work_dir = absolute(settings.work_dir.empty() ? settings.common.state_dir + "/work" : settings.work_dir);
  out.name = settings.name;
  out.master_url = settings.master;
  out.ca_file = settings.ca;
  out.verify_tls = !settings.insecure_skip_verify;
  out.api_key = settings.api_key;
  out.slots = settings.slots;
  out.heartbeat = settings.common.heartbeat;
  out.poll_pause = settings.poll_interval;
  out.drain = settings.drain_timeout;
  out.stall = settings.stall_timeout;
  out.machine_check = settings.machine_check;
  out.redetect = settings.redetect;
  out.labels = settings.labels;
  out.verify = settings.verify;
  out.ffmpeg = settings.ffmpeg;
  out.gst_launch = settings.gst_launch == "none" ? "" : settings.gst_launch;
  out.ffprobe = settings.ffprobe;
  out.confine = settings.confinement == "auto";
  out.input_roots = absolute(settings.allow_input);
  for (const std::string& allowed : settings.allow_output)
    if (allowed.find("://") != std::string::npos) out.outlets.push_back(allowed);
    else out.output_roots.push_back(absolute(allowed));
  out.output_ca = settings.output_ca.empty() ? "" : absolute(settings.output_ca);
  out.generate_input = settings.generate_input;
  out.generate_max_seconds = settings.generate_max_seconds;
  out.persist_inputs = settings.persist_inputs;
  out.persist_outputs = settings.persist_outputs;
  out.metrics_listen = settings.metrics_listen;
  out.metrics_port = static_cast<std::uint16_t>(settings.metrics_port);
  out.log_head_bytes = settings.common.log_head_bytes;
  out.log_tail_bytes = settings.common.log_tail_bytes;
  return out;
}

// Until a stop signal or the worker's own end; then drains, a second signal cuts that short.
int serve(worker::App& app) {
  for (;;) {
    if (wait_for_stop_signal(100ms)) break;
    if (const auto ended = app.ended(0ms)) return fail(*ended);
  }
  log::info("stopping: running jobs may finish");
  std::atomic<bool> done{false};
  std::thread second([&] {
    while (!done)
      if (wait_for_stop_signal(100ms)) app.ask_to_stop(true);
  });
  app.stop(false);
  done = true;
  second.join();
  return 0;
}

Result<worker::Machine> look_at_machine(const worker::Settings& settings) {
  return worker::detect(settings, sys::Host::real(), SystemClock().now().utc, worker::trust_at_start(settings));
}

}  // namespace

int run_master(const config::MasterSettings& settings) {
  block_stop_signals();
  auto app = master::App::start(master_options(settings));
  if (!app) return fail(app.error());
  log::info("master is ready", {{"url", (*app)->url()}, {"client", (*app)->client_file()}});
  while (!wait_for_stop_signal(1000ms)) {
  }
  log::info("stopping");
  return 0;
}

Result<model::NodeFacts> detect_machine(const config::WorkerSettings& settings) {
  FFRTMP_ASSIGN(worker::Machine machine, look_at_machine(worker_settings(settings)));
  return std::move(machine.facts);
}

int run_worker(const config::WorkerSettings& settings) {
  block_stop_signals();
  worker::Settings out = worker_settings(settings);
  if (!settings.do_register) {
    auto machine = look_at_machine(out);
    if (!machine) return fail(machine.error());
    const std::string text = cli::machine_text(machine->facts, machine->gstreamer);
    [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    return 0;
  }
  auto app = worker::App::start(std::move(out));
  if (!app) return fail(app.error());
  return serve(**app);
}

int run_up(const config::UpSettings& settings) {
  block_stop_signals();
  config::MasterSettings master = settings.master;
  master.common = settings.common;
  auto master_app = master::App::start(master_options(master));
  if (!master_app) return fail(master_app.error());
  config::WorkerSettings worker = settings.worker;
  worker.common = settings.common;
  worker::Settings out = worker_settings(worker);
  auto file = api::load_client_file((*master_app)->client_file());
  if (!file) return fail(file.error());
  out.master_url = file->url;
  out.ca_file = file->ca;
  out.api_key = file->key;
  // A newcomer's files: home, where the command was started, and the state directory.
  const char* home = std::getenv("HOME");
  for (const std::string& root : {std::string(home == nullptr ? "" : home), std::string("."), settings.common.state_dir}) {
    if (root.empty()) continue;
    out.input_roots.push_back(absolute(root));
    out.output_roots.push_back(absolute(root));
  }
  auto app = worker::App::start(std::move(out));
  if (!app) return fail(app.error());
  log::info("ffrtmp is up", {{"url", (*master_app)->url()}, {"client", (*master_app)->client_file()}});
  return serve(**app);
}

}  // namespace ffrtmp::up
