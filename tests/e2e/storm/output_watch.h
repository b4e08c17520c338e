#pragma once
// The judge of outputs: follows a directory with inotify and reads every file the moment its final name appears.
// Contents are compared by digest; each new one is looked at once with ffprobe and a decode.
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "sys/fd.h"
#include "tests/e2e/storm/findings.h"

namespace ffrtmp::test {

// What a whole file of some kind holds.
struct Expected {
  int width = 0;
  int video_packets = 0;
  int least_audio_packets = 0;
};

class OutputWatch {
 public:
  OutputWatch(std::string dir, std::string scratch, Findings& findings);
  ~OutputWatch();
  OutputWatch(const OutputWatch&) = delete;
  OutputWatch& operator=(const OutputWatch&) = delete;

  // Announces a name before it can appear. `old_content`: a whole file stands there already, or may come back; the name
  // is never without one then.
  void expect(const std::string& name, const Expected& expected, const std::string& old_content = {});
  // The job is over: from now on nothing touches that name. `has_new`: the file there is the job's output.
  void close(const std::string& name, bool has_new);
  // Looks at contents that have not been looked at. One thread.
  void judge_new();
  // The last look at everything, after the end of all processes.
  void judge_end();
  [[nodiscard]] int appearances() const { return appearances_; }
  [[nodiscard]] int contents() const { return static_cast<int>(contents_.size()); }

 private:
  struct Name {
    Expected expected;
    std::string old_digest;  // empty: none
    std::set<std::string> digests;
    std::string digest;  // at its last appearance; empty: gone
    bool asked_to_close = false;
    bool is_closed = false;
    bool has_new = false;
  };
  void loop();
  void take_events();
  void on_event(const std::string& name, std::uint32_t mask);
  void look(const std::string& name, Name& at);
  void close_asked();
  [[nodiscard]] std::string why_not_whole(const std::string& path, const Expected& expected) const;

  std::string dir_;
  std::string scratch_;
  Findings& findings_;
  sys::Fd inotify_;
  std::mutex mutex_;
  std::map<std::string, Name> names_;
  std::map<std::string, std::string> contents_;                  // digest -> bytes
  std::map<std::pair<std::string, int>, std::string> verdicts_;  // digest and width -> why not whole
  std::atomic<int> appearances_{0};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace ffrtmp::test
