#pragma once
// The groups an engine is born in. A process can be born in a unified group by clone3(2), in another hierarchy only
// where its parent stands; to move one afterwards costs 8-40 ms a hierarchy. So the supervisor goes into those groups
// while the worker still looks at the input, and leaves them when the engine is there.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "supervisor/link.h"
#include "sys/cgroup.h"

namespace ffrtmp::supervisor {

class BirthGroups {
 public:
  explicit BirthGroups(const Plan& plan);

  // The calling process goes into the joined groups, and once back to where it came from.
  void enter();
  void leave();

  // For birth, freezer and kill; none when there is no such group.
  [[nodiscard]] std::optional<sys::Cgroup> open_unified() const;
  // The engine was born elsewhere after all.
  void note_unjoined(const std::string& directory) { unjoined_.push_back(directory); }
  [[nodiscard]] const std::vector<std::string>& unjoined() const { return unjoined_; }

  // Since enter(). 0 where the kernel does not count them.
  [[nodiscard]] std::int64_t oom_kills() const;
  // When nobody else is in them any more.
  void remove();

 private:
  [[nodiscard]] std::int64_t read_oom_kills() const;

  std::string unified_;
  std::vector<JoinedGroup> joins_;
  std::string oom_file_;
  std::int64_t oom_kills_before_ = 0;
  bool stands_in_ = false;
  std::vector<std::string> unjoined_;
};

// Those of an attempt in which nobody is any more, in each hierarchy; "" for no unified one. What is gone is fine.
[[nodiscard]] Status remove_groups(const std::string& unified, const std::vector<JoinedGroup>& joins);

}  // namespace ffrtmp::supervisor
