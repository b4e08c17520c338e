#pragma once
// The real binary's run and attach, started as a person would, each with a runtime directory of the test's own.
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "govern/job_result.h"
#include "sys/spawn.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::test {

struct Ran {
  int exit_code = -1;  // 128 + n after signal n
  std::string out;
  std::string err;
};

// A started `ffrtmp ARGS`; killed with the test.
class Started {
 public:
  // `before`: what starts it, as {"setpriv", "--reuid", "65534"}, instead of a plain exec.
  Started(const std::vector<std::string>& arguments, const std::string& runtime_dir,
          const std::vector<std::string>& before = {});
  ~Started();
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;

  [[nodiscard]] pid_t pid() const { return child_.pid; }
  void send(int signal) const;
  [[nodiscard]] std::string err() const;
  // Waits until its stderr holds `text`; fails the test when it does not come.
  void wait_for(const std::string& text) const;
  // Waits until a child of it runs the program of that name.
  void wait_for_child(const std::string& comm) const;
  Ran finish(std::chrono::milliseconds patience = std::chrono::seconds(60));

 private:
  TempDir dir_;
  sys::Child child_;
  bool reaped_ = false;
};

// Where the binary is.
[[nodiscard]] std::string binary();
[[nodiscard]] Ran run_ffrtmp(const std::vector<std::string>& arguments, const std::string& runtime_dir);
// The document on stdout, which must be all there is.
[[nodiscard]] govern::JobResult document_of(const Ran& ran);
void wait_for_file(const std::string& path);
// A process of the test's own; killed with it.
class Workload {
 public:
  explicit Workload(const std::string& script);
  ~Workload();
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  [[nodiscard]] pid_t pid() const { return child_.pid; }
  [[nodiscard]] bool is_alive() const;

 private:
  sys::Child child_;
};

}  // namespace ffrtmp::test
