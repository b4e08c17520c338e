#include "worker/machine.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/fake_ffmpeg.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::worker {
namespace {

struct AMachine : testing::Test {
  test::TempDir dir;
  sys::Host host{dir / "proc", dir / "sys"};
  Settings settings;

  AMachine() {
    settings.ffmpeg = test::install_fake_ffmpeg(dir.path(), "nvenc");
    settings.gst_launch = "";
    settings.state_dir = dir / "none";
    settings.name = "a";
    settings.work_dir = "/work";
    settings.slots = 2;
    test::write_file(host.proc + "/cpuinfo", "processor\t: 0\nmodel name\t: A CPU @ 3 GHz\nprocessor\t: 1\n");
    test::write_file(host.proc + "/meminfo", "MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable: 8388608 kB\n");
  }
  void add_render_node(const std::string& name, const std::string& vendor, const std::string& driver) {
    const std::string device = host.sys + "/class/drm/" + name + "/device";
    test::write_file(device + "/vendor", vendor + "\n");
    std::filesystem::create_symlink("../../../bus/pci/drivers/" + driver, device + "/driver");
  }
  Machine detect_now() {
    auto found = detect(settings, host, UtcTime{});
    EXPECT_TRUE(found) << found.error().message;
    return found ? std::move(*found) : Machine{};
  }
};

TEST_F(AMachine, GpusOfAllVendors) {
  test::write_file(host.proc + "/driver/nvidia/version",
                   "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n");
  test::write_file(host.proc + "/driver/nvidia/gpus/0000:17:00.0/information",
                   "Model: \t\t NVIDIA T4\nGPU UUID: \t GPU-a\n");
  add_render_node("renderD128", "0x8086", "i915");
  add_render_node("renderD129", "0x10de", "nvidia");  // the GPU above
  add_render_node("renderD130", "0x1002", "amdgpu");
  add_render_node("renderD131", "0x1af4", "virtio");
  const auto facts = detect_now().facts;
  EXPECT_EQ(facts.cpu_model, "A CPU @ 3 GHz");
  EXPECT_EQ(facts.ram_total_bytes, std::int64_t{16} << 30);
  ASSERT_EQ(facts.gpus.size(), 4U);
  EXPECT_EQ(facts.gpus[0].vendor, "NVIDIA");
  EXPECT_EQ(facts.gpus[0].name, "NVIDIA T4");
  EXPECT_EQ(facts.gpus[0].uuid, "GPU-a");
  EXPECT_EQ(facts.gpus[0].driver, "535.183.01");
  EXPECT_EQ(facts.gpus[1].vendor, "Intel");
  EXPECT_EQ(facts.gpus[1].driver, "i915");
  EXPECT_EQ(facts.gpus[1].render_node, "/dev/dri/renderD128");
  EXPECT_EQ(facts.gpus[2].vendor, "AMD");
  EXPECT_EQ(facts.gpus[2].render_node, "/dev/dri/renderD130");
  EXPECT_EQ(facts.gpus[3].vendor, "0x1af4") << "as it is, when nobody knows it";
  EXPECT_EQ(facts.hwaccels, std::vector<std::string>{"cuda"}) << "what is proven, not what is there";
  EXPECT_EQ(facts.encoders.front().name, "h264_nvenc");
  EXPECT_EQ(facts.encoders.front().device, "0");
  EXPECT_TRUE(facts.encoders.front().usable);
}

TEST_F(AMachine, WithoutAnyGpu) {
  const auto facts = detect_now().facts;
  EXPECT_TRUE(facts.gpus.empty());
  EXPECT_EQ(facts.type, model::NodeType::kDesktop);
  EXPECT_EQ(facts.slots, 2);
  EXPECT_EQ(facts.roots, std::vector<std::string>{"/work"});
  test::write_file(host.sys + "/class/power_supply/BAT0/type", "Battery\n");
  EXPECT_EQ(detect_now().facts.type, model::NodeType::kLaptop);
}

TEST_F(AMachine, WithoutFfmpegThereIsNothingToRegister) {
  settings.ffmpeg = dir / "missing";
  const auto found = detect(settings, host, UtcTime{});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kGone);
}

}  // namespace
}  // namespace ffrtmp::worker
