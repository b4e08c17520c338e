#include "store/sqlite_checkpointer.h"

#include <utility>

#include "base/log.h"

namespace ffrtmp::store {

SqliteCheckpointer::SqliteCheckpointer(Database db) : db_(std::move(db)), thread_([this] { run(); }) {}

SqliteCheckpointer::~SqliteCheckpointer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  thread_.join();
}

void SqliteCheckpointer::wake() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  work_.notify_one();
}

bool SqliteCheckpointer::pass_ended() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ended_, false);
}

void SqliteCheckpointer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stop_ || wanted_; });
    if (stop_) return;
    lock.unlock();
    // The log keeps what a pass could not move: nothing is lost, the next pass tries again.
    if (const Status status = db_.checkpoint(); !status)
      log::warn("checkpoint failed", {{"reason", status.error().message}});
    lock.lock();
    wanted_ = false;
    ended_ = true;
  }
}

}  // namespace ffrtmp::store
