// How soon after its exec a process is where a governor puts it. Run by bench/capture, which starts the governors.
//
// usage: capture_bench targets COUNT PROGRAM MARKER GAP_MS LIFE_MS
//          starts targets; one line for each: microseconds, or "missed"
//        capture_bench foreign COUNT RATE
//          execs of /bin/true, RATE a second; 0: as fast as they go, without end
//        capture_bench stopped PID PROGRAM MARKER TARGETS FOREIGN
//          stops PID for 1.5 s or as long as FOREIGN execs with TARGETS among them take; one line a target:
//          microseconds after PID goes on, or "missed"
//        capture_bench hog
//          takes what CPU time it gets
//        (child) PROGRAM child MARKER LIFE_MS T0_NS
// PROGRAM is a copy of this file under the name that the governor's rule means. A child that lives LIFE_MS looks once,
// at its end. With LIFE_MS -1 it looks until it is governed, one second at most. With -2 it waits for the end of
// descriptor 9 and looks from then on, three seconds at most, leaving the CPU between two looks. Governed: MARKER
// stands in its /proc/self/cgroup.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

constexpr int kBeginFd = 9;

long long now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

bool is_governed(const char* marker) {
  char text[4096];
  const int fd = open("/proc/self/cgroup", O_RDONLY);
  const ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  text[size > 0 ? size : 0] = '\0';
  return std::strstr(text, marker) != nullptr;
}

int child(const char* marker, int life_ms, long long begun) {
  if (life_ms >= 0) {
    if (life_ms > 0) usleep(static_cast<useconds_t>(life_ms) * 1000);
    std::puts(is_governed(marker) ? "0" : "missed");
    return 0;
  }
  const bool waits = life_ms == -2;
  if (waits) {
    for (char byte; read(kBeginFd, &byte, 1) > 0;) {
    }
    begun = now_ns();
  }
  while (!is_governed(marker)) {
    if (now_ns() - begun < (waits ? 3'000'000'000LL : 1'000'000'000LL)) {
      if (waits) usleep(1000);
      continue;
    }
    std::puts("missed");
    return 0;
  }
  std::printf("%lld\n", (now_ns() - begun) / 1000);
  return 0;
}

pid_t spawn(const std::vector<std::string>& argv) {
  std::vector<char*> raw;
  for (const std::string& argument : argv) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  pid_t pid = -1;
  char* no_environment[] = {nullptr};
  if (posix_spawn(&pid, raw[0], nullptr, nullptr, raw.data(), no_environment) != 0) std::perror(raw[0]);
  return pid;
}

pid_t spawn_target(const std::string& program, const std::string& marker, int life_ms) {
  return spawn({program, "child", marker, std::to_string(life_ms), std::to_string(now_ns())});
}

int targets(int count, const std::string& program, const std::string& marker, int gap_ms, int life_ms) {
  for (; count > 0; --count) {
    const pid_t pid = spawn_target(program, marker, life_ms);
    if (gap_ms > 0) {
      waitpid(pid, nullptr, 0);
      usleep(static_cast<useconds_t>(gap_ms) * 1000);
    }
  }
  while (wait(nullptr) > 0) {
  }
  return 0;
}

void one_foreign() { waitpid(spawn({"/bin/true"}), nullptr, 0); }

int foreign(int count, int rate) {
  long long next = now_ns();
  for (int done = 0; count == 0 || done < count; ++done) {
    one_foreign();
    if (rate == 0) continue;
    next += 1'000'000'000LL / rate;
    if (const long long left = next - now_ns(); left > 0) usleep(static_cast<useconds_t>(left / 1000));
  }
  return 0;
}

int stopped(pid_t governor, const std::string& program, const std::string& marker, int count, int strangers) {
  constexpr long long kStopNs = 1'500'000'000;
  int begin[2];
  if (pipe2(begin, O_CLOEXEC) != 0 || dup2(begin[0], kBeginFd) != kBeginFd) return 1;
  kill(governor, SIGSTOP);
  const long long begun = now_ns();
  for (int started = 0; started < count; ++started) {
    spawn_target(program, marker, -2);
    for (int i = 0; i < strangers / count; ++i) one_foreign();
  }
  if (const long long left = begun + kStopNs - now_ns(); left > 0) usleep(static_cast<useconds_t>(left / 1000));
  kill(governor, SIGCONT);
  close(begin[1]);
  while (wait(nullptr) > 0) {
  }
  return 0;
}

[[noreturn]] void hog() {
  for (;;) asm volatile("");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const auto number = [&](int at) { return std::atoi(argv[at]); };
  if (mode == "child" && argc == 5) return child(argv[2], number(3), std::atoll(argv[4]));
  if (mode == "targets" && argc == 7) return targets(number(2), argv[3], argv[4], number(5), number(6));
  if (mode == "foreign" && argc == 4) return foreign(number(2), number(3));
  if (mode == "stopped" && argc == 7) return stopped(number(2), argv[3], argv[4], number(5), number(6));
  if (mode == "hog" && argc == 2) hog();
  std::fprintf(stderr, "usage: capture_bench targets|foreign|stopped|hog ...; run by bench/capture\n");
  return 2;
}
