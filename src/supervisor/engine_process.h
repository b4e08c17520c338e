#pragma once
// The engine as its supervisor holds it: started once, its pipes always drained, its end noticed.
#include <optional>
#include <string>

#include "base/result.h"
#include "supervisor/birth_groups.h"
#include "supervisor/link.h"
#include "supervisor/progress.h"
#include "supervisor/spool.h"
#include "supervisor/tree.h"
#include "sys/fd.h"
#include "sys/host.h"
#include "sys/spawn.h"

namespace ffrtmp::supervisor {

class EngineProcess {
 public:
  // Runs plan.argv in the unified group, where there is one that takes it, and in those that the caller stands in: stdin
  // /dev/null, stdout and stderr one pipe, progress another (GStreamer's stdout). A plan that asks for confinement is not
  // run without it.
  [[nodiscard]] static Result<EngineProcess> start(const sys::Host& host, pid_t self, const Plan& plan,
                                                   BirthGroups& groups);

  [[nodiscard]] pid_t pid() const { return child_.pid; }
  [[nodiscard]] const Tree& tree() const { return tree_; }
  [[nodiscard]] Tree& tree() { return tree_; }
  // -1 once at its end.
  [[nodiscard]] int output_fd() const { return output_.get(); }
  [[nodiscard]] int progress_fd() const { return progress_.get(); }

  // Moves what waits in the pipe into the spool, a bounded amount a call; true when there was anything. Bytes the disk
  // does not take are lost, never left in the pipe: the engine must not stop for its log.
  bool drain_output(Spool& spool);
  // True when a block was completed.
  bool drain_progress(ProgressParser& parser);

 private:
  EngineProcess(sys::Child child, Tree tree, sys::Fd output, sys::Fd progress)
      : child_(std::move(child)), tree_(std::move(tree)), output_(std::move(output)), progress_(std::move(progress)) {}

  sys::Child child_;
  Tree tree_;
  sys::Fd output_;
  sys::Fd progress_;
};

}  // namespace ffrtmp::supervisor
