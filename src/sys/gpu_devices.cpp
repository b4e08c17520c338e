#include "sys/gpu_devices.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {
namespace {

std::vector<std::string> sorted_names(const std::string& path) {
  const auto dir = open_file(path, O_RDONLY | O_DIRECTORY);
  std::vector<std::string> names = dir ? names_in(dir->get()) : std::vector<std::string>();
  std::sort(names.begin(), names.end());
  return names;
}

std::string first_word(const std::string& path) {
  const auto text = read_text(path);
  return text ? std::string(trim(*text)) : std::string();
}

// What follows KEY on its line.
std::string value_of(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n'))
    if (line.starts_with(key)) return std::string(trim(line.substr(key.size())));
  return {};
}

}  // namespace

std::vector<RenderNode> read_render_nodes(const Host& host) {
  std::vector<RenderNode> nodes;
  const std::string drm = host.sys + "/class/drm";
  for (const std::string& name : sorted_names(drm)) {
    if (!name.starts_with("renderD")) continue;
    const std::string device = cat(drm, "/", name, "/device");
    std::error_code unbound;
    const auto driver = std::filesystem::read_symlink(device + "/driver", unbound);
    nodes.push_back({cat("/dev/dri/", name), first_word(device + "/vendor"), driver.filename().string()});
  }
  return nodes;
}

std::vector<NvidiaGpu> read_nvidia_gpus(const Host& host) {
  std::vector<NvidiaGpu> gpus;
  const std::string dir = host.proc + "/driver/nvidia/gpus";
  for (const std::string& bus : sorted_names(dir)) {
    const auto text = read_text(cat(dir, "/", bus, "/information"));
    if (!text) continue;
    gpus.push_back({static_cast<int>(gpus.size()), value_of(*text, "Model:"), value_of(*text, "GPU UUID:")});
  }
  return gpus;
}

std::optional<std::string> read_nvidia_driver(const Host& host) {
  const auto text = read_text(host.proc + "/driver/nvidia/version");
  if (!text) return std::nullopt;
  // NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024
  const std::string_view first_line = std::string_view(*text).substr(0, text->find('\n'));
  for (const std::string_view word : split(first_line, ' '))
    if (!word.empty() && word.find_first_not_of("0123456789.") == std::string_view::npos) return std::string(word);
  return std::nullopt;
}

}  // namespace ffrtmp::sys
