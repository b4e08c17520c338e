#include "sys/gpu_devices.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

struct Tree : testing::Test {
  test::TempDir root;
  Host host{root / "proc", root / "sys"};
};

TEST_F(Tree, RenderNodesWithVendorAndDriver) {
  test::write_file(host.sys + "/class/drm/card0/device/vendor", "0x8086\n");
  test::write_file(host.sys + "/class/drm/renderD129/device/vendor", "0x1002\n");
  test::write_file(host.sys + "/class/drm/renderD128/device/vendor", "0x8086\n");
  std::filesystem::create_symlink("../../../bus/pci/drivers/i915", host.sys + "/class/drm/renderD128/device/driver");
  std::filesystem::create_directories(host.sys + "/class/drm/renderD130");
  EXPECT_EQ(read_render_nodes(host), (std::vector<RenderNode>{{"/dev/dri/renderD128", "0x8086", "i915"},
                                                              {"/dev/dri/renderD129", "0x1002", ""},
                                                              {"/dev/dri/renderD130", "", ""}}));
}

// Layout of NVIDIA's driver 535.
TEST_F(Tree, NvidiaGpusInBusOrder) {
  test::write_file(host.proc + "/driver/nvidia/version",
                   "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC x\n");
  const auto information = [](const char* model, const char* uuid) {
    return std::string("Model: \t\t ") + model + "\nIRQ:   \t\t 77\nGPU UUID: \t " + uuid + "\nDevice Minor: \t 1\n";
  };
  test::write_file(host.proc + "/driver/nvidia/gpus/0000:65:00.0/information", information("NVIDIA L4", "GPU-b"));
  test::write_file(host.proc + "/driver/nvidia/gpus/0000:17:00.0/information", information("NVIDIA T4", "GPU-a"));
  EXPECT_EQ(read_nvidia_gpus(host), (std::vector<NvidiaGpu>{{0, "NVIDIA T4", "GPU-a"}, {1, "NVIDIA L4", "GPU-b"}}));
  EXPECT_EQ(read_nvidia_driver(host), "535.183.01");
}

TEST_F(Tree, NoneIsAnOrdinaryAnswer) {
  EXPECT_TRUE(read_render_nodes(host).empty());
  EXPECT_TRUE(read_nvidia_gpus(host).empty());
  EXPECT_EQ(read_nvidia_driver(host), std::nullopt);
}

}  // namespace
}  // namespace ffrtmp::sys
