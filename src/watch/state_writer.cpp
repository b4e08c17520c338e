#include "watch/state_writer.h"

#include <utility>

#include "base/text.h"
#include "watch/state_file.h"

namespace ffrtmp::watch {

StateWriter::StateWriter(std::string path, bool fsync, std::function<void(const Status&)> done)
    : path_(std::move(path)), fsync_(fsync), done_(std::move(done)), thread_([this] { run(); }) {}

StateWriter::~StateWriter() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    next_.reset();
  }
  changed_.notify_all();
  thread_.join();
}

void StateWriter::submit(std::string text) {
  const std::lock_guard lock(mutex_);
  next_ = std::move(text);
  changed_.notify_all();
}

Status StateWriter::finish(std::string text, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  next_ = std::move(text);
  changed_.notify_all();
  if (!changed_.wait_for(lock, patience, [this] { return !next_ && !is_writing_; }))
    return make_error(Errc::kTimeout, cat("write ", path_, ": the disk does not answer"));
  return last_;
}

void StateWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_stopped_ || next_; });
    if (is_stopped_) return;
    const std::string text = *std::exchange(next_, std::nullopt);
    is_writing_ = true;
    lock.unlock();
    Status status = save_state(path_, text, fsync_);
    done_(status);
    lock.lock();
    last_ = std::move(status);
    is_writing_ = false;
    changed_.notify_all();
  }
}

}  // namespace ffrtmp::watch
