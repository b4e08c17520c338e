#pragma once
// Hardware encoders that fail in two jobs in a row have lost the proof that they work: they are to be tried again.
// Contract fleet.md 5.1. Any thread.
#include <mutex>

namespace ffrtmp::worker {

class HardwareDoubt {
 public:
  // An engine on hardware came to its end, or broke for a reason that need not lie in its job.
  void note(bool worked);
  // Whether there is doubt; it is told once.
  [[nodiscard]] bool take();

 private:
  std::mutex mutex_;
  int failures_in_a_row_ = 0;
};

}  // namespace ffrtmp::worker
