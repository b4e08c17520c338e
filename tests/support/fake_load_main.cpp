// A workload of a known kind, for tests of limits: what it does is told by its arguments, what it got by its output.
//
//   burn SECONDS [FILE]     spins on one CPU, once FILE is there; prints "cpu S wall S"
//   hold MIB [FILE]         touches so much memory, makes FILE, sleeps; gives the memory back at SIGUSR1
//   grow MIB                touches memory MiB by MiB; prints "grown MIB" at the end
//   threads N FILE          N threads that sleep; makes FILE when all are there
//   forks N                 starts up to N children; prints "children N" and, when refused, "EAGAIN"
//   read FILE BYTES         reads past the page cache; prints "bytes_per_second N"
//   write FILE BYTES        writes past it
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void make_file(const char* path) { close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); }

int burn(double seconds, const char* file) {
  while (file != nullptr && access(file, F_OK) != 0) usleep(1000);
  const double start = seconds_of(CLOCK_MONOTONIC);
  volatile unsigned long spins = 0;
  while (seconds_of(CLOCK_MONOTONIC) - start < seconds)
    for (int i = 0; i < 10000; ++i) spins = spins + 1;
  std::printf("cpu %.3f wall %.3f\n", seconds_of(CLOCK_PROCESS_CPUTIME_ID), seconds_of(CLOCK_MONOTONIC) - start);
  return 0;
}

char* touch(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::exit(3);
  std::memset(memory, 1, bytes);
  return static_cast<char*>(memory);
}

[[noreturn]] void sleep_for_ever() {
  for (;;) pause();
}

[[noreturn]] void hold(int mib, const char* file) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  const std::size_t bytes = static_cast<std::size_t>(mib) << 20;
  char* memory = touch(bytes);
  if (file != nullptr) make_file(file);
  int signal = 0;
  sigwait(&set, &signal);
  munmap(memory, bytes);
  sleep_for_ever();
}

int grow(int mib) {
  for (int i = 0; i < mib; ++i) touch(1 << 20);
  std::printf("grown %d\n", mib);
  return 0;
}

[[noreturn]] void threads(int count, const char* file) {
  std::atomic<int> there{1};
  std::vector<std::thread> all;
  for (int i = 1; i < count; ++i)
    all.emplace_back([&] {
      ++there;
      sleep_for_ever();
    });
  while (there < count) usleep(1000);
  make_file(file);
  sleep_for_ever();
}

int forks(int count) {
  std::vector<pid_t> children;
  int refused = 0;
  for (int i = 0; i < count && refused == 0; ++i) {
    const pid_t pid = fork();
    if (pid == 0) sleep_for_ever();
    if (pid < 0)
      refused = errno;
    else
      children.push_back(pid);
  }
  std::printf("children %zu%s\n", children.size(), refused == EAGAIN ? " EAGAIN" : "");
  for (const pid_t pid : children) kill(pid, SIGKILL);
  while (wait(nullptr) > 0) {
  }
  return 0;
}

// Whole blocks past the page cache: only those are charged to the group at the moment they are transferred.
int transfer(const char* path, std::size_t bytes, bool writing) {
  constexpr std::size_t kBlock = 128 << 10;
  const int fd = open(path, (writing ? O_WRONLY | O_CREAT : O_RDONLY) | O_DIRECT | O_CLOEXEC, 0600);
  void* buffer = nullptr;
  if (fd < 0 || posix_memalign(&buffer, 4096, kBlock) != 0) return 3;
  std::memset(buffer, 7, kBlock);
  const double start = seconds_of(CLOCK_MONOTONIC);
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t n = writing ? write(fd, buffer, kBlock) : read(fd, buffer, kBlock);
    if (n <= 0) return 3;
    done += static_cast<std::size_t>(n);
  }
  const double took = seconds_of(CLOCK_MONOTONIC) - start;
  std::printf("bytes_per_second %.0f\n", static_cast<double>(done) / took);
  close(fd);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  if (what == "burn") return burn(std::atof(argv[2]), argc > 3 ? argv[3] : nullptr);
  if (what == "hold") hold(std::atoi(argv[2]), argc > 3 ? argv[3] : nullptr);
  if (what == "grow") return grow(std::atoi(argv[2]));
  if (what == "threads" && argc > 3) threads(std::atoi(argv[2]), argv[3]);
  if (what == "forks") return forks(std::atoi(argv[2]));
  if ((what == "read" || what == "write") && argc > 3)
    return transfer(argv[2], static_cast<std::size_t>(std::atoll(argv[3])), what == "write");
  std::fprintf(stderr, "fake_load: see the head of its source\n");
  return 2;
}
