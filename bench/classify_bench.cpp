// What it costs to tell an error that passes from one that stays. Run by bench/seed-numbers.
//
// usage: classify_bench ROUNDS
// Prints nanoseconds an error: of each errno that the governance core meets, with a message as it has one.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/text.h"
#include "govern/error_class.h"

int main(int argc, char** argv) {
  using namespace ffrtmp;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 0;
  if (rounds <= 0) {
    std::fprintf(stderr, "usage: classify_bench ROUNDS\n");
    return 2;
  }
  std::vector<Error> errors;
  for (const int code : {ESRCH, ENOENT, EACCES, EPERM, EAGAIN, EBUSY, EINTR, ENOSPC, ENOMEM, EINVAL, EIO, EROFS})
    errors.push_back(sys_error(cat("write /sys/fs/cgroup/ffrtmp/job-", code, "/cgroup.procs"), code));
  long sum = 0;  // so that the work is done
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i)
    for (const Error& error : errors) sum += static_cast<long>(govern::classify(error));
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begun;
  std::printf("%.1f %ld\n", taken.count() / rounds / static_cast<double>(errors.size()), sum);
}
