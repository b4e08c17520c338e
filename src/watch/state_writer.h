#pragma once
// Writes the state file on a thread of its own, so that a slow disk delays no attach. Only the newest text counts.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"

namespace ffrtmp::watch {

class StateWriter {
 public:
  // `done` is called on the thread after each write, and never once the writer is gone.
  StateWriter(std::string path, bool fsync, std::function<void(const Status&)> done);
  // Drops what was not begun. A write that hangs is left to itself: a dead disk must not hold up the end.
  ~StateWriter();
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;

  void submit(std::string text);
  // Writes `text` and waits for it; kTimeout when the disk takes longer.
  [[nodiscard]] Status finish(std::string text, std::chrono::milliseconds patience);

 private:
  // Of both threads, as the writing one may outlive this object.
  struct Shared {
    std::string path;
    bool fsync = false;
    std::function<void(const Status&)> done;
    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::optional<std::string> next;
    Status last;
    bool is_writing = false;
    bool is_stopped = false;
  };
  static void run(Shared& shared);

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;
};

}  // namespace ffrtmp::watch
