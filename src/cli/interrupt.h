#pragma once
// Ctrl-C during a command that only watches: the first one asks it to stop, the second ends the process as usual.
#include <chrono>

namespace ffrtmp::cli {

class Interrupt {
 public:
  Interrupt();   // takes SIGINT
  ~Interrupt();  // gives it back
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  [[nodiscard]] bool came() const;
  // Sleeps that long, or until it comes.
  void sleep(std::chrono::milliseconds time) const;
};

}  // namespace ffrtmp::cli
