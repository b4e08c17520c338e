#pragma once
// Where a process may be killed: a role, a phase of its work, and the system calls of that phase.
#include <random>
#include <string>
#include <string_view>

namespace ffrtmp::test {

enum class Victim { kMaster, kWorker, kSupervisor, kEngine };
[[nodiscard]] std::string_view name_of(Victim victim);

struct KillPoint {
  Victim victim;
  const char* phase;
  const char* anchor;  // as kill_at takes it
  const char* calls;
  int most;  // the last of the calls that is worth a kill
};

// One kill as chosen: the nth of the point's calls, before or after the kernel did it.
struct Kill {
  KillPoint point;
  int nth = 1;
  bool at_exit = false;
  [[nodiscard]] std::string describe() const;
};

[[nodiscard]] Kill choose_kill(std::mt19937_64& random);

}  // namespace ffrtmp::test
