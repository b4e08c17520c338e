#pragma once
// Writes the state file on a thread of its own, so that a slow disk delays no attach. Only the newest text counts.
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"

namespace ffrtmp::watch {

class StateWriter {
 public:
  // `done` is called on the thread after each write.
  StateWriter(std::string path, bool fsync, std::function<void(const Status&)> done);
  ~StateWriter();  // drops what was not begun
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;

  void submit(std::string text);
  // Writes `text` and waits for it; kTimeout when the disk takes longer.
  [[nodiscard]] Status finish(std::string text, std::chrono::milliseconds patience);

 private:
  void run();

  const std::string path_;
  const bool fsync_;
  const std::function<void(const Status&)> done_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::optional<std::string> next_;
  Status last_;
  bool is_writing_ = false;
  bool is_stopped_ = false;
  std::thread thread_;
};

}  // namespace ffrtmp::watch
