#pragma once
// Where generated inputs lie:
//
//   <work-dir>/inputs/   0700, flock'ed by the worker that sweeps it
//     input_<job uuid>.mp4.part   being made
//     input_<job uuid>.mp4        whole
//
// Everything goes by the directory's descriptor and by inode, so that nothing of a user, and nothing of another attempt
// of the same job, is touched. Any thread.
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::worker {

class InputDir {
 public:
  // Open for as long as its inode is to be known by its number: the kernel gives that of a deleted file again.
  struct Part {
    sys::Fd file;
    std::uint64_t inode = 0;
  };

  // Makes it where it is missing. An error when it is a link, or no directory.
  [[nodiscard]] static Result<InputDir> open(const std::string& work_dir);

  // The empty .part for the job, new and a regular file of ours alone; one that an ended attempt left is replaced.
  [[nodiscard]] Result<Part> create_part(const Uuid& job);
  // Gives the .part its final name when it is that inode still; its size in bytes.
  [[nodiscard]] Result<std::int64_t> finish(const Uuid& job, std::uint64_t inode);
  // Whatever name that inode has of both.
  void remove(const Uuid& job, std::uint64_t inode);
  // Removes the generated inputs of all jobs but those to keep; none while another worker uses the directory.
  void sweep(const std::vector<Uuid>& keep);

  [[nodiscard]] std::string part_path(const Uuid& job) const;
  [[nodiscard]] std::string path(const Uuid& job) const;

 private:
  explicit InputDir(std::string path, sys::Fd dir);
  [[nodiscard]] std::uint64_t inode_of(const std::string& name) const;  // of a regular file, else 0

  std::string path_;
  sys::Fd dir_;
  bool is_ours_ = false;               // the lock is held
  std::unique_ptr<std::mutex> mutex_;  // a look at an inode and what follows from it
};

}  // namespace ffrtmp::worker
