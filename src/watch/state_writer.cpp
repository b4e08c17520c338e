#include "watch/state_writer.h"

#include <utility>

#include "base/text.h"
#include "watch/state_file.h"

namespace ffrtmp::watch {
namespace {

// For a write under way at the end: what of the 10 s of a stop restoring and the last flush leave.
constexpr std::chrono::milliseconds kLastWrite{300};

}  // namespace

StateWriter::StateWriter(std::string path, bool fsync, std::function<void(const Status&)> done) {
  shared_->path = std::move(path);
  shared_->fsync = fsync;
  shared_->done = std::move(done);
  thread_ = std::thread([shared = shared_] { run(*shared); });
}

StateWriter::~StateWriter() {
  std::unique_lock lock(shared_->mutex);
  shared_->is_stopped = true;
  shared_->next.reset();
  shared_->changed.notify_all();
  const bool ends = shared_->changed.wait_for(lock, kLastWrite, [this] { return !shared_->is_writing; });
  lock.unlock();
  if (ends)
    thread_.join();
  else
    thread_.detach();
}

void StateWriter::submit(std::string text) {
  const std::lock_guard lock(shared_->mutex);
  shared_->next = std::move(text);
  shared_->changed.notify_all();
}

Status StateWriter::finish(std::string text, std::chrono::milliseconds patience) {
  std::unique_lock lock(shared_->mutex);
  shared_->next = std::move(text);
  shared_->changed.notify_all();
  if (!shared_->changed.wait_for(lock, patience, [this] { return !shared_->next && !shared_->is_writing; }))
    return make_error(Errc::kTimeout, cat("write ", shared_->path, ": the disk does not answer"));
  return shared_->last;
}

void StateWriter::run(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  for (;;) {
    shared.changed.wait(lock, [&] { return shared.is_stopped || shared.next; });
    if (shared.is_stopped) return;
    const std::string text = *std::exchange(shared.next, std::nullopt);
    shared.is_writing = true;
    lock.unlock();
    Status status = save_state(shared.path, text, shared.fsync);
    lock.lock();
    if (!shared.is_stopped) shared.done(status);
    shared.last = std::move(status);
    shared.is_writing = false;
    shared.changed.notify_all();
  }
}

}  // namespace ffrtmp::watch
