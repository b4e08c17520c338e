#pragma once
// The directory of one group in any hierarchy, v1 or v2: its control files, its processes, its removal.
#include <sys/types.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::sys {

// One control file, to be written and read back through one descriptor.
class ControlFile {
 public:
  // One write(2).
  [[nodiscard]] Status write(std::string_view text) const;
  // Its whole text as of now.
  [[nodiscard]] Result<std::string> read() const;

 private:
  friend class CgroupDir;
  ControlFile(std::string path, Fd file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  Fd file_;
};

class CgroupDir {
 public:
  // Makes the group; one that is there already is opened. kGone when its parent is not there.
  [[nodiscard]] static Result<CgroupDir> create(const std::string& path);
  // The same, but one that is there already is an error (EEXIST).
  [[nodiscard]] static Result<CgroupDir> create_new(const std::string& path);
  // kGone when it is not there.
  [[nodiscard]] static Result<CgroupDir> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const Fd& fd() const { return dir_; }

  // A control file's whole text, and one write(2) to it.
  [[nodiscard]] Result<std::string> read(const std::string& file) const;
  [[nodiscard]] Status write(const std::string& file, std::string_view text) const;
  [[nodiscard]] Result<ControlFile> control_file(const std::string& file) const;
  [[nodiscard]] std::set<std::string> files() const;

  // Moves a process with all its threads. Costs 8-40 ms when moves are rare (an RCU grace period), a move to where it
  // is already too.
  [[nodiscard]] Status add(pid_t pid) const;
  // In this group alone; pids as the caller's PID namespace numbers them, 0 for those it cannot see.
  [[nodiscard]] Result<std::vector<pid_t>> own_procs() const;
  // And below it.
  [[nodiscard]] Result<std::vector<pid_t>> procs() const;

 private:
  CgroupDir(std::string path, Fd dir) : path_(std::move(path)), dir_(std::move(dir)) {}
  std::string path_;
  Fd dir_;
};

// Removes the group if nothing is in it; EBUSY at once else. Gone already is fine.
[[nodiscard]] Status remove_empty_group(const std::string& path);
// Removes the group and all below it; EBUSY is retried up to 1 s, as the last task leaves after it was reaped. Gone
// already is fine.
[[nodiscard]] Status remove_group(const std::string& path);
// The same of a job's group, and the one above it goes with the last of its jobs.
[[nodiscard]] Status remove_job_group(const std::string& path);

}  // namespace ffrtmp::sys
