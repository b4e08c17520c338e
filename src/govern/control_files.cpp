#include "govern/control_files.h"

#include <algorithm>
#include <cerrno>

#include "base/fault.h"
#include "base/text.h"

namespace ffrtmp::govern {
namespace {

// One file's text on one line.
std::string one_line(std::string_view text) {
  std::string line(trim(text));
  std::replace(line.begin(), line.end(), '\n', ';');
  return line;
}

LimitStatus status_of(int err) {
  switch (err) {
    case EPERM:
    case EACCES:
    case EROFS:
      return LimitStatus::kDenied;
    case ENOENT:
    case ENODEV:
    case ENOSYS:
    case EOPNOTSUPP:
      return LimitStatus::kUnsupported;
    default:
      return LimitStatus::kFailed;
  }
}

LimitReport report_of(const LimitWrite& write, const sys::CgroupDir& dir) {
  LimitReport report;
  report.limit = write.limit;
  report.file = cat(dir.path(), "/", write.file);
  report.wanted = write.text;
  return report;
}

void fail(LimitReport& report, const Error& error) {
  report.err = error.sys;
  report.status = status_of(error.sys);
  report.detail = error.message;
}

// What is there, `text`, decides, whatever write(2) said.
void read_back(const LimitWrite& write, const Result<std::string>& text, LimitReport& report) {
  if (!text) return fail(report, text.error());
  report.observed = one_line(*text);
  if (!matches(write, *text)) {
    if (report.err == 0) report.status = LimitStatus::kFailed;
    return;
  }
  report.err = 0;
  report.status = write.degraded.empty() ? LimitStatus::kApplied : LimitStatus::kDegraded;
  report.detail = write.degraded;
}

Status write_one(const LimitWrite& write, const Result<sys::ControlFile>& file) {
  if (!file) return file.error();
  FFRTMP_TRY(fault::check("write", write.file));
  return file->write(write.text);
}

bool is_worse(const LimitReport& a, const LimitReport& b) { return a.status > b.status; }

// Several writes of one limit (a quota and its period, a line a device) are one report.
void merge(std::vector<LimitReport>& reports, LimitReport report) {
  for (LimitReport& known : reports) {
    if (known.limit != report.limit) continue;
    if (is_worse(report, known)) {
      known = std::move(report);
    } else if (report.status == known.status) {
      known.wanted += "; " + report.wanted;
      known.observed = report.observed;
      known.file = report.file;
    }
    return;
  }
  reports.push_back(std::move(report));
}

std::vector<LimitReport> merged(const LimitPlan& plan, std::vector<LimitReport> each) {
  std::vector<LimitReport> reports;
  for (LimitReport& report : each) merge(reports, std::move(report));
  for (const LimitReport& refused : plan.refused) merge(reports, refused);
  return reports;
}

// The text that means "none" in the write's file.
std::string reset_text(const LimitWrite& write) {
  const std::string device = write.text.substr(0, write.text.find(' '));
  if (write.read_back == ReadBack::kDeviceKeys)
    return cat(device, " ", write.text.substr(device.size() + 1, write.text.find('=') - device.size() - 1), "=max");
  if (write.read_back == ReadBack::kDeviceValue) return cat(device, " 0");
  if (write.file == "blkio.weight") return "500";
  if (write.read_back == ReadBack::kDefaultWeight) return "100";
  if (write.file == "cpu.cfs_quota_us" || write.file.ends_with("_in_bytes")) return "-1";
  if (write.file == "cpu.shares") return "1024";
  if (write.file == "cpu.weight") return "100";
  return "max";
}

}  // namespace

std::vector<LimitReport> write_limits(const LimitPlan& plan, const ControlDirs& dirs) {
  std::vector<LimitReport> each;
  std::vector<Result<sys::ControlFile>> files;
  std::vector<std::size_t> failed;
  for (const LimitWrite& write : plan.writes) {
    const sys::CgroupDir& dir = *dirs.at(write.controller);
    each.push_back(report_of(write, dir));
    files.push_back(dir.control_file(write.file));
    const Status written = write_one(write, files.back());
    if (written) continue;
    fail(each.back(), written.error());
    failed.push_back(each.size() - 1);
  }
  // v1 keeps memory <= memory + swap at every moment: where both are raised, the first write fails and has its turn
  // behind the second.
  for (const std::size_t i : failed) {
    const LimitWrite& write = plan.writes[i];
    if (each[i].err != EINVAL) continue;
    const Status again = write_one(write, files[i]);
    if (again) each[i].err = 0;
  }
  for (std::size_t i = 0; i < each.size(); ++i) {
    const LimitWrite& write = plan.writes[i];
    read_back(write, files[i] ? files[i]->read() : dirs.at(write.controller)->read(write.file), each[i]);
  }
  return merged(plan, std::move(each));
}

std::vector<LimitReport> read_limits(const LimitPlan& plan, const ControlDirs& dirs) {
  std::vector<LimitReport> each;
  for (const LimitWrite& write : plan.writes) {
    const sys::CgroupDir& dir = *dirs.at(write.controller);
    each.push_back(report_of(write, dir));
    read_back(write, dir.read(write.file), each.back());
  }
  return merged(plan, std::move(each));
}

void reset_limits(const LimitPlan& plan, const ControlDirs& dirs) {
  // From the back: v1 lifts memory + swap before memory.
  for (auto write = plan.writes.rbegin(); write != plan.writes.rend(); ++write)
    if (write->file != "cpu.cfs_period_us") (void)dirs.at(write->controller)->write(write->file, reset_text(*write));
}

}  // namespace ffrtmp::govern
