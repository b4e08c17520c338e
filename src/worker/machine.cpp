#include "worker/machine.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "base/version.h"
#include "media/encoder_cache.h"
#include "media/run_tool.h"
#include "sys/file_io.h"
#include "sys/gpu_devices.h"
#include "sys/machine_load.h"
#include "sys/spawn.h"

namespace ffrtmp::worker {
namespace {

// More of both is a server. Contract fleet.md 5.
constexpr int kServerThreads = 16;
constexpr std::int64_t kServerRamBytes = std::int64_t{32} << 30;

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string("unknown");
}

std::string cpu_model(const sys::Host& host) {
  auto text = sys::read_text(host.proc + "/cpuinfo", 4 << 20);
  if (!text) return {};
  const std::size_t at = text->find("model name");
  if (at == std::string::npos) return {};
  const std::size_t colon = text->find(':', at);
  return std::string(trim(std::string_view(*text).substr(colon + 1, text->find('\n', at) - colon - 1)));
}

model::NodeType type_of(const model::NodeFacts& facts, bool has_battery) {
  if (has_battery) return model::NodeType::kLaptop;
  const bool is_large = facts.cpu_threads > kServerThreads && facts.ram_total_bytes > kServerRamBytes;
  return is_large ? model::NodeType::kServer : model::NodeType::kDesktop;
}

// PCI vendors, as in pci.ids.
std::string vendor_name(std::string_view id) {
  if (id == "0x8086") return "Intel";
  if (id == "0x1002") return "AMD";
  if (id == "0x10de") return "NVIDIA";
  return std::string(id);
}

std::vector<model::Gpu> gpus_of(const std::vector<sys::NvidiaGpu>& nvidia, const std::vector<sys::RenderNode>& nodes,
                                const std::optional<std::string>& nvidia_driver) {
  std::vector<model::Gpu> out;
  for (const sys::NvidiaGpu& gpu : nvidia) {
    model::Gpu& one = out.emplace_back();
    one.vendor = "NVIDIA";
    one.name = gpu.model;
    if (!gpu.uuid.empty()) one.uuid = gpu.uuid;
    one.driver = nvidia_driver;
  }
  for (const sys::RenderNode& node : nodes) {
    if (node.vendor_id == "0x10de" && !nvidia.empty()) continue;  // listed above
    model::Gpu& one = out.emplace_back();
    one.vendor = vendor_name(node.vendor_id);
    one.name = one.vendor.empty() ? node.driver : cat(one.vendor, " ", node.driver);
    if (!node.driver.empty()) one.driver = node.driver;
    one.render_node = node.path;
  }
  return out;
}

media::EncodingDevices devices_of(const std::vector<sys::NvidiaGpu>& nvidia, const std::vector<sys::RenderNode>& nodes,
                                  const std::optional<std::string>& nvidia_driver) {
  media::EncodingDevices out;
  for (const sys::NvidiaGpu& gpu : nvidia) out.nvidia.push_back(cat(gpu.index));
  for (const sys::RenderNode& node : nodes) {
    out.render_nodes.push_back(node.path);
    out.drivers.push_back(cat(node.path, " ", node.driver));
  }
  if (nvidia_driver) out.drivers.push_back(cat("nvidia ", *nvidia_driver));
  return out;
}

std::vector<std::string> accelerations_of(const std::vector<model::Encoder>& encoders) {
  std::vector<std::string> out;
  for (const auto& [api, name] : {std::pair{model::EncoderApi::kNvenc, "cuda"}, std::pair{model::EncoderApi::kQsv, "qsv"},
                                  std::pair{model::EncoderApi::kVaapi, "vaapi"}})
    if (std::any_of(encoders.begin(), encoders.end(),
                    [&, kind = api](const model::Encoder& e) { return e.usable && model::api_of(e.name) == kind; }))
      out.emplace_back(name);
  return out;
}

// GStreamer's list of its plug-ins is kept where its engine starts find it (plugin_registry_of).
std::vector<std::string> tool_environment(const Settings& settings) {
  std::vector<std::string> out = sys::own_environment();
  std::erase_if(out, [](const std::string& entry) { return entry.starts_with("GST_REGISTRY="); });
  out.push_back(cat("GST_REGISTRY=", plugin_registry_of(settings)));
  return out;
}

// A machine that is only looked at keeps nothing: without a state directory none is made.
Result<media::Detection> find_encoders(const Settings& settings, media::EncodingDevices devices, const sys::Host& host,
                                       UtcTime now, media::Trust trust) {
  const media::DetectionRequest request{settings.ffmpeg, settings.gst_launch, std::move(devices), settings.slots,
                                        trust};
  std::error_code none;
  if (!std::filesystem::is_directory(settings.state_dir, none))
    return media::detect_encoders(request, media::make_run_tool());
  return media::detect_encoders_cached(request, media::make_run_tool({tool_environment(settings), {}, nullptr}),
                                       settings.state_dir + "/encoders.json", now, host);
}

}  // namespace

Result<Machine> detect(const Settings& settings, const sys::Host& host, UtcTime now, media::Trust trust) {
  model::NodeFacts facts;
  facts.name = settings.name.empty() ? host_name() : settings.name;
  facts.version = std::string(version());
  const sys::OwnBounds bounds = sys::read_own_bounds(host);
  facts.cpu_threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));  // of this process's affinity
  if (bounds.cpus) facts.cpu_threads = std::clamp(static_cast<int>(std::ceil(*bounds.cpus)), 1, facts.cpu_threads);
  facts.cpu_model = cpu_model(host);
  if (const auto memory = sys::read_memory_sizes(host)) facts.ram_total_bytes = memory->total_bytes;
  if (bounds.memory_bytes) facts.ram_total_bytes = std::min(facts.ram_total_bytes, *bounds.memory_bytes);
  facts.type = type_of(facts, sys::has_battery(host));
  facts.slots = settings.slots;
  facts.labels = settings.labels;
  facts.generates_input = settings.generate_input;
  facts.roots = settings.input_roots;
  facts.roots.insert(facts.roots.end(), settings.output_roots.begin(), settings.output_roots.end());
  facts.roots.push_back(settings.work_dir);
  facts.roots.insert(facts.roots.end(), settings.outlets.begin(), settings.outlets.end());
  const auto nvidia = sys::read_nvidia_gpus(host);
  const auto nodes = sys::read_render_nodes(host);
  const auto nvidia_driver = sys::read_nvidia_driver(host);
  facts.gpus = gpus_of(nvidia, nodes, nvidia_driver);
  FFRTMP_ASSIGN(auto found, find_encoders(settings, devices_of(nvidia, nodes, nvidia_driver), host, now, trust));
  facts.engines["ffmpeg"] = found.version;
  if (found.gstreamer && found.gstreamer->usable) facts.engines["gstreamer"] = found.gstreamer->version;
  facts.encoders = std::move(found.encoders);
  facts.hwaccels = accelerations_of(facts.encoders);
  return Machine{std::move(facts), std::move(found.gstreamer)};
}

}  // namespace ffrtmp::worker
