#include "sys/cgroup_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {
namespace {

// Calls `take(entry)` for each entry of the directory but "." and "..".
template <class Take>
void for_each_entry(const std::string& path, Take take) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  if (!dir) return;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") take(*entry);
  }
}

std::vector<std::string> children_of(const std::string& path) {
  std::vector<std::string> names;
  for_each_entry(path, [&](const dirent& entry) {
    if (entry.d_type == DT_DIR) names.emplace_back(entry.d_name);
  });
  return names;
}

std::vector<pid_t> parse_procs(std::string_view text) {
  std::vector<pid_t> pids;
  for (const std::string_view line : split(text, '\n'))
    if (const auto pid = parse_int(line)) pids.push_back(static_cast<pid_t>(*pid));
  return pids;
}

Status append_tree_procs(const std::string& path, std::vector<pid_t>& pids) {
  FFRTMP_ASSIGN(const std::string text, read_text(path + "/cgroup.procs"));
  const std::vector<pid_t> own = parse_procs(text);
  pids.insert(pids.end(), own.begin(), own.end());
  for (const std::string& child : children_of(path)) {
    const Status status = append_tree_procs(cat(path, "/", child), pids);
    if (!status && status.error().code != Errc::kGone) return status;
  }
  return {};
}

constexpr int kRemoveTries = 200;
constexpr int kRemovePauseMs = 5;

}  // namespace

Status ControlFile::write(std::string_view text) const { return write_piece(file_.get(), path_, text); }

Result<std::string> ControlFile::read() const { return read_piece(file_.get(), path_); }

Result<CgroupDir> CgroupDir::create(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return last_sys_error(cat("mkdir ", path));
  return open(path);
}

Result<CgroupDir> CgroupDir::create_new(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0) return last_sys_error(cat("mkdir ", path));
  return open(path);
}

Result<CgroupDir> CgroupDir::open(const std::string& path) {
  FFRTMP_ASSIGN(Fd dir, open_file(path, O_RDONLY | O_DIRECTORY));
  return CgroupDir(path, std::move(dir));
}

Result<std::string> CgroupDir::read(const std::string& file) const {
  auto text = read_piece_at(dir_.get(), file.c_str());
  if (!text) return std::move(text).error().within(path_);
  return text;
}

Status CgroupDir::write(const std::string& file, std::string_view text) const {
  Status status = write_text_at(dir_.get(), file.c_str(), text);
  if (!status) return std::move(status).error().within(path_);
  return status;
}

Result<ControlFile> CgroupDir::control_file(const std::string& file) const {
  Fd fd(openat(dir_.get(), file.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return last_sys_error(cat("open ", file)).within(path_);
  return ControlFile(cat(path_, "/", file), std::move(fd));
}

std::set<std::string> CgroupDir::files() const {
  std::set<std::string> names;
  for_each_entry(path_, [&](const dirent& entry) {
    if (entry.d_type == DT_REG) names.emplace(entry.d_name);
  });
  return names;
}

Status CgroupDir::add(pid_t pid) const { return write("cgroup.procs", cat(pid)); }

Result<std::vector<pid_t>> CgroupDir::own_procs() const {
  FFRTMP_ASSIGN(const std::string text, read_text_at(dir_.get(), "cgroup.procs"));
  return parse_procs(text);
}

Result<std::vector<pid_t>> CgroupDir::procs() const {
  std::vector<pid_t> pids;
  FFRTMP_TRY(append_tree_procs(path_, pids));
  return pids;
}

Status remove_empty_group(const std::string& path) {
  if (rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  return last_sys_error(cat("rmdir ", path));
}

Status remove_group(const std::string& path) {
  for (int tries = 1; rmdir(path.c_str()) != 0; ++tries) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY || tries == kRemoveTries) return last_sys_error(cat("rmdir ", path));
    const std::vector<std::string> children = children_of(path);
    for (const std::string& child : children) FFRTMP_TRY(remove_group(cat(path, "/", child)));
    if (children.empty()) poll(nullptr, 0, kRemovePauseMs);
  }
  return {};
}

Status remove_job_group(const std::string& path) {
  FFRTMP_TRY(remove_group(path));
  (void)remove_empty_group(path.substr(0, path.rfind('/')));  // other jobs are in it, most often
  return {};
}

}  // namespace ffrtmp::sys
