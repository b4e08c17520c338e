// What a scan of all processes costs at the least: the system calls alone, without a line of bookkeeping. Run by
// bench/scan, which holds the daemon's own cost beside it.
//
// usage: scan_bench stat ROUNDS GAP_MS     one getdents64 walk of /proc and one read of each stat, ROUNDS times; the
// gap
//                                          between two makes caches as cold as the daemon finds them
//        scan_bench facts ROUNDS GAP_MS    also what is looked at once of a new process: exe, cmdline, owner, cwd,
//        cgroup scan_bench sleep                  does nothing until it is killed (the target)
// Prints CPU microseconds a round and the number of processes.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>

namespace {

char g_text[4096];

void read_file(int dir, const char* path) {
  const int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t n = read(fd, g_text, sizeof g_text);
  close(fd);
}

void look_at(int proc, const char* pid, bool facts) {
  char path[64];
  std::snprintf(path, sizeof path, "%s/stat", pid);
  read_file(proc, path);
  if (!facts) return;
  for (const char* file : {"cmdline", "cgroup"}) {
    std::snprintf(path, sizeof path, "%s/%s", pid, file);
    read_file(proc, path);
  }
  for (const char* link : {"exe", "cwd"}) {
    std::snprintf(path, sizeof path, "%s/%s", pid, link);
    [[maybe_unused]] const ssize_t n = readlinkat(proc, path, g_text, sizeof g_text);
  }
  struct stat owner {};
  [[maybe_unused]] const int known = fstatat(proc, pid, &owner, 0);
}

int walk(int proc, bool facts) {
  struct Entry {  // linux_dirent64
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[1];
  };
  alignas(8) static char buffer[32768];
  int count = 0;
  lseek(proc, 0, SEEK_SET);
  for (long size = 0; (size = syscall(SYS_getdents64, proc, buffer, sizeof buffer)) > 0;)
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
      at += entry->length;
      if (entry->name[0] < '0' || entry->name[0] > '9') continue;
      look_at(proc, entry->name, facts);
      ++count;
    }
  return count;
}

double cpu_us() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "sleep") == 0)
    for (;;) pause();
  if (argc != 4 || std::atoi(argv[2]) <= 0) {
    std::fprintf(stderr, "usage: scan_bench stat|facts ROUNDS GAP_MS\n");
    return 2;
  }
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY);
  const bool facts = std::strcmp(argv[1], "facts") == 0;
  const int rounds = std::atoi(argv[2]);
  int count = walk(proc, facts);
  const double before = cpu_us();
  for (int i = 0; i < rounds; ++i) {
    usleep(static_cast<useconds_t>(std::atoi(argv[3])) * 1000);
    count = walk(proc, facts);
  }
  std::printf("%.1f %d\n", (cpu_us() - before) / rounds, count);
  return 0;
}
