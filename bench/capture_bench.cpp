// How soon after its exec a process is where a governor puts it. Run by bench/capture, which starts the governors.
//
// usage: capture_bench COUNT PROGRAM MARKER GAP_MS LIFE_MS    one line a process: microseconds, or "missed"
//        (child) PROGRAM child MARKER LIFE_MS T0_NS
// PROGRAM is a copy of this file under the name that the governor's rule means. A child that lives LIFE_MS looks once, at
// its end; with LIFE_MS -1 it looks until it is governed, one second at most. Governed: MARKER stands in its
// /proc/self/cgroup.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

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
  while (!is_governed(marker)) {
    if (now_ns() - begun < 1'000'000'000LL) continue;
    std::puts("missed");
    return 0;
  }
  std::printf("%lld\n", (now_ns() - begun) / 1000);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "child") == 0)
    return child(argv[2], std::atoi(argv[3]), std::atoll(argv[4]));
  if (argc != 6) {
    std::fprintf(stderr, "usage: capture_bench COUNT PROGRAM MARKER GAP_MS LIFE_MS\n");
    return 2;
  }
  const int gap_ms = std::atoi(argv[4]);
  for (int left = std::atoi(argv[1]); left > 0; --left) {
    const pid_t pid = fork();
    if (pid == 0) {
      char begun[32];
      std::snprintf(begun, sizeof begun, "%lld", now_ns());
      execl(argv[2], argv[2], "child", argv[3], argv[5], begun, nullptr);
      _exit(127);
    }
    if (gap_ms > 0) {
      waitpid(pid, nullptr, 0);
      usleep(static_cast<useconds_t>(gap_ms) * 1000);
    }
  }
  while (wait(nullptr) > 0) {
  }
  return 0;
}
