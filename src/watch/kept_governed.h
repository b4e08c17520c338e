#pragma once
// What is governed of a tracked process, in as few bytes as it takes: there may be ten thousand, most under the limits
// of one rule, and many without a group.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "govern/attacher.h"
#include "sys/proc_fs.h"

namespace ffrtmp::watch {

// Equal limits are kept once.
class LimitsPool {
 public:
  [[nodiscard]] std::shared_ptr<const govern::Limits> share(const govern::Limits& limits);

 private:
  std::vector<std::weak_ptr<const govern::Limits>> known_;  // one a rule, and those of rules that are replaced
};

class KeptGoverned {
 public:
  // `process`: whom it is about.
  void keep(govern::Governed governed, const sys::ProcessKey& process, LimitsPool& pool);
  // The same again, whole.
  [[nodiscard]] govern::Governed read(const sys::ProcessKey& process) const;

  void set_job_id(std::string job_id) { job_id_ = std::move(job_id); }
  [[nodiscard]] const std::string& job_id() const { return job_id_; }
  [[nodiscard]] const govern::Limits& limits() const;
  [[nodiscard]] govern::LateMemory late_memory() const { return late_memory_; }
  [[nodiscard]] const std::vector<govern::Group>& groups() const;

 private:
  // Of a process of which something was changed, or could not be.
  struct Changed {
    std::optional<std::int64_t> inherited_pids_max;
    std::vector<govern::Group> groups;
    std::vector<govern::Original> members;
    std::vector<govern::LimitName> shortfalls;
  };
  std::string job_id_;
  std::shared_ptr<const govern::Limits> limits_;  // none: no limit
  std::unique_ptr<const Changed> changed_;        // none: its process is the only member, as it was
  govern::LateMemory late_memory_ = govern::LateMemory::kObserve;
  bool has_member_ = false;  // without changed_: whether there is that member
};

}  // namespace ffrtmp::watch
