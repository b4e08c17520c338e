#pragma once
// A few threads for queries and log files, so that the server's thread never waits for a disk.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ffrtmp::master {

class ReaderPool {
 public:
  explicit ReaderPool(int threads);
  ~ReaderPool() { stop(); }
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;
  // Dropped once it is stopped: its request is answered by the server then.
  void run(std::function<void()> work);
  // Runs what was taken, then ends.
  void stop();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ffrtmp::master
