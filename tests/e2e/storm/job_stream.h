#pragma once
// The client of a storm: keeps jobs coming over a connection that breaks, remembers which ones it was promised, follows
// each to its end and looks that the end stays.
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "api/wire.h"
#include "net/client.h"
#include "tests/e2e/storm/findings.h"
#include "tests/e2e/storm/output_watch.h"

namespace ffrtmp::test {

struct Source {
  std::string path;
  Expected whole;  // of a transcode of it
};

struct StreamPlan {
  std::string outputs;  // directory
  std::vector<Source> sources;
  std::string old_content;  // of files that stand there before their job
  std::string scratch;      // where such files are made before they are moved in place
  int waiting_jobs = 4;     // so many are queued or at work
};

class JobStream {
 public:
  JobStream(StreamPlan plan, std::string url, std::string key, std::uint64_t seed, OutputWatch& watch,
            Findings& findings);
  ~JobStream();
  JobStream(const JobStream&) = delete;
  JobStream& operator=(const JobStream&) = delete;

  void stop_submitting() { submitting_ = false; }
  // All that was promised has ended; false after `patience`.
  [[nodiscard]] bool wait_all_ended(std::chrono::milliseconds patience);
  // With the stream at rest: each promised job is there once, ended as it was seen to end, by a history that the table
  // of states allows. Then ends the stream.
  void judge_end();
  [[nodiscard]] std::string summary() const;
  // Of all jobs, the part that ended completed, 0 to 1.
  [[nodiscard]] double completed_part() const;
  // Jobs promised and not ended, in words.
  [[nodiscard]] std::string open_jobs() const;

 private:
  enum class Kind { kNew, kReplace, kTaken };  // nothing stands at the output; overwritten; in the way
  struct Promise {
    std::string output;  // file name
    Kind kind = Kind::kNew;
    std::string body;
    std::string key;
    bool is_promised = false;
    std::int64_t number = 0;
    Uuid id;
    std::chrono::steady_clock::time_point cancel_at = std::chrono::steady_clock::time_point::max();
    model::JobState last = model::JobState::kQueued;
    bool has_ended = false;
  };
  void loop();
  void submit_next();
  void try_submit();
  void follow(Promise& promise);
  void note_end(Promise& promise, const api::Job& job);
  [[nodiscard]] std::optional<api::Job> fetch(std::int64_t number);
  net::Response send(const std::string& method, const std::string& target, const std::string& body = {},
                     const std::string& idempotency_key = {});
  void judge_job(const Promise& promise, const api::Job& job);
  void judge_count();

  StreamPlan plan_;
  std::mt19937_64 random_;
  OutputWatch& watch_;
  Findings& findings_;
  std::unique_ptr<net::Client> client_;
  mutable std::mutex mutex_;
  std::deque<Promise> promises_;
  int repeated_ = 0;  // submits whose first answer was lost
  std::atomic<bool> submitting_{true};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace ffrtmp::test
