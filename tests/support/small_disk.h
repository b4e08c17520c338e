#pragma once
// A file system that is soon full. Mounting it needs root.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <string>

namespace ffrtmp::test {

// Of `size` ("1m"), gone with the test.
class SmallDisk {
 public:
  SmallDisk(std::string path, const std::string& size) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    is_mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
    EXPECT_TRUE(is_mounted_);
  }
  ~SmallDisk() {
    if (is_mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  std::string path_;
  bool is_mounted_ = false;
};

}  // namespace ffrtmp::test
