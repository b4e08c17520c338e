#pragma once
// GPUs as the kernel shows them, whether or not their user-space drivers work. Facts only.
// Sources: https://docs.kernel.org/gpu/drm-uapi.html#render-nodes and the README of NVIDIA's Linux driver, "procfs".
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/host.h"

namespace ffrtmp::sys {

// A DRM device without display: what VA-API and Quick Sync open.
struct RenderNode {
  std::string path;       // "/dev/dri/renderD128"
  std::string vendor_id;  // PCI vendor, "0x8086"; empty for a device that is not on PCI
  std::string driver;     // kernel module, "i915"; empty when unbound
  bool operator==(const RenderNode&) const = default;
};

struct NvidiaGpu {
  int index = 0;  // in bus order, as ffmpeg's -gpu counts with CUDA_DEVICE_ORDER=PCI_BUS_ID
  std::string model;
  std::string uuid;
  bool operator==(const NvidiaGpu&) const = default;
};

// Sorted by path. Empty without any.
[[nodiscard]] std::vector<RenderNode> read_render_nodes(const Host& host);
// Sorted by bus. Empty without NVIDIA's module.
[[nodiscard]] std::vector<NvidiaGpu> read_nvidia_gpus(const Host& host);
// Version of NVIDIA's loaded module, "535.183.01".
[[nodiscard]] std::optional<std::string> read_nvidia_driver(const Host& host);

}  // namespace ffrtmp::sys
