// The program of fake_ffmpeg.h. Plain POSIX, so that it starts in a millisecond.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Args = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

struct Behaviour {
  std::map<std::string, std::string> items;
  [[nodiscard]] bool has(const std::string& key) const { return items.contains(key); }
  [[nodiscard]] std::string text(const std::string& key) const {
    const auto at = items.find(key);
    return at == items.end() ? std::string() : at->second;
  }
  [[nodiscard]] double number(const std::string& key, double otherwise) const {
    return has(key) ? std::strtod(text(key).c_str(), nullptr) : otherwise;
  }
};

// argv[0] as a path: as given, or found on PATH.
std::string own_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::istringstream dirs(path == nullptr ? "" : path);
  for (std::string dir; std::getline(dirs, dir, ':');)
    if (access((dir + "/" + name).c_str(), X_OK) == 0) return dir + "/" + name;
  return name;
}

Behaviour read_behaviour(const std::string& program) {
  std::string text;
  if (const char* given = std::getenv("FAKE_FFMPEG")) text = given;
  if (text.empty()) {
    std::ifstream file(own_path(program) + ".behaviour");
    std::getline(file, text, '\0');
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  Behaviour out;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ';');) {
    const auto equals = item.find('=');
    if (!item.empty()) out.items[item.substr(0, equals)] = equals == std::string::npos ? "" : item.substr(equals + 1);
  }
  return out;
}

[[noreturn]] void become_real(const Args& args, const std::string& tool = "ffmpeg") {
  const char* given = std::getenv("FAKE_FFMPEG_REAL");
  const std::string program = given != nullptr && tool == "ffmpeg" ? given : "/usr/bin/" + tool;
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (std::size_t i = 1; i < args.size(); ++i) argv.push_back(const_cast<char*>(args[i].c_str()));
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  std::perror(program.c_str());
  _exit(127);
}

int run_real(const Args& args) {
  const pid_t pid = fork();
  if (pid == 0) become_real(args);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string option(const Args& args, const std::string& name) {
  const auto at = std::find(args.begin(), args.end(), name);
  return at == args.end() || at + 1 == args.end() ? std::string() : *(at + 1);
}

std::string without_file_prefix(const std::string& location) {
  return location.starts_with("file:") ? location.substr(5) : location;
}

std::string output_of(const Args& args) { return without_file_prefix(args.back()); }

// Seconds of media: of -t, else what ffprobe says of the input.
double length_of(const Args& args) {
  if (const std::string given = option(args, "-t"); !given.empty()) return std::strtod(given.c_str(), nullptr);
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    become_real({"ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", option(args, "-i")},
                "ffprobe");
  }
  close(ends[1]);
  char text[64] = {};
  const ssize_t got = read(ends[0], text, sizeof text - 1);
  close(ends[0]);
  waitpid(pid, nullptr, 0);
  return got > 0 ? std::strtod(text, nullptr) : 0;
}

class ProgressPipe {
 public:
  explicit ProgressPipe(const std::string& target) {
    if (target.starts_with("pipe:"))
      fd_ = std::atoi(target.c_str() + 5);
    else
      fd_ = open(without_file_prefix(target).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  }
  void block(long long frame, double media_seconds, double fps, long long size, bool end) const {
    char text[512];
    const auto micros = static_cast<long long>(media_seconds * 1e6);
    const int length = std::snprintf(text, sizeof text,
                                     "frame=%lld\nfps=%.2f\nstream_0_0_q=28.0\nbitrate= 800.0kbits/s\ntotal_size=%lld\n"
                                     "out_time_us=%lld\nout_time_ms=%lld\ndup_frames=0\ndrop_frames=0\nspeed=1.00x\n"
                                     "progress=%s\n",
                                     frame, fps, size, micros, micros, end ? "end" : "continue");
    if (write(fd_, text, static_cast<std::size_t>(length)) < 0) std::perror("progress");
  }

 private:
  int fd_ = -1;
};

void damage(const std::string& path, const std::string& how) {
  const auto colon = how.find(':');
  const std::string kind = how.substr(0, colon);
  const long long count = colon == std::string::npos ? 0 : std::atoll(how.c_str() + colon + 1);
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return;
  if (kind == "remove") unlink(path.c_str());
  const long long keep = kind == "empty" ? 0 : std::max(0LL, static_cast<long long>(info.st_size) - count);
  if ((kind == "empty" || kind == "cut") && truncate(path.c_str(), keep) != 0) std::perror("truncate");
  if (kind != "zero" && kind != "flip") return;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const long long start = std::max(0LL, (static_cast<long long>(info.st_size) - (kind == "zero" ? count : 0)) / 2);
  if (kind == "zero") {
    file.seekp(start);
    const std::string zeros(static_cast<std::size_t>(count), '\0');
    file.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
  }
  for (long long i = 0; kind == "flip" && i < count; ++i) {
    const long long at = start + i * 1009 % std::max(1LL, static_cast<long long>(info.st_size) - start);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x10));
  }
}

void flood(const std::string& size) {
  char* unit = nullptr;
  double bytes = std::strtod(size.c_str(), &unit);
  bytes *= *unit == 'K' ? 1024.0 : *unit == 'M' ? 1048576.0 : *unit == 'G' ? 1073741824.0 : 1.0;
  std::string lines;
  while (lines.size() < 65536) lines += "[fake] [warning] a line that says little but is long enough to fill a pipe\n";
  for (double left = bytes; left > 0; left -= static_cast<double>(lines.size()))
    if (write(STDERR_FILENO, lines.data(),
              static_cast<std::size_t>(std::min(left, static_cast<double>(lines.size())))) < 0)
      return;
}

void on_term(int) {
  static const char kText[] = "Exiting normally, received signal 15.\n";
  if (write(STDERR_FILENO, kText, sizeof kText - 1) < 0) _exit(254);
  _exit(255);  // as ffmpeg does
}

void prepare_signals(const Behaviour& behaviour) {
  std::signal(SIGTERM, behaviour.has("ignore_term") ? SIG_IGN : on_term);
  for (int i = 0; i < static_cast<int>(behaviour.number("children", 0)); ++i)
    if (fork() == 0) {
      std::signal(SIGTERM, SIG_IGN);
      for (;;) pause();
    }
}

[[noreturn]] void crash() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  std::signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
  _exit(139);
}

void wait_until(Clock::time_point end, bool busy) {
  if (!busy)
    std::this_thread::sleep_until(end);
  else
    while (Clock::now() < end) {
    }
}

// SIGSTOP does not stop whoever waits in vfork(2).
void wait_in_vfork(double seconds) {
  timespec left{static_cast<time_t>(seconds), 0};
  const pid_t child = vfork();
  if (child == 0) {
    while (nanosleep(&left, &left) != 0) {
    }
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

int simulate(const Args& args, const Behaviour& behaviour) {
  const auto begin = Clock::now();
  const double frames = behaviour.number("frames", 300);
  const double fps = behaviour.number("fps", 30);
  const double wall = behaviour.number("slow", 0.3);
  const double step = behaviour.number("interval", 100) / 1000;
  const std::string early = behaviour.text("exit_after");
  const double early_at = early.empty() ? 1e9 : std::strtod(early.c_str(), nullptr);
  const ProgressPipe progress(option(args, "-progress"));
  if (behaviour.has("real")) {
    Args quiet = args;
    *(std::find(quiet.begin(), quiet.end(), "-progress") + 1) = "/dev/null";
    if (const int code = run_real(quiet); code != 0) return code;
  } else {
    std::ofstream(output_of(args), std::ios::binary) << std::string(static_cast<std::size_t>(frames) * 100, '\x5a');
  }
  bool waited = false;
  for (double now = 0;; now = std::min(now + step, wall)) {
    wait_until(
        begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(now, early_at))),
        behaviour.has("busy"));
    if (now >= early_at) return std::atoi(early.substr(early.find(':') + 1).c_str());
    const bool end = now >= wall && !behaviour.has("hang");
    const double part = wall > 0 ? now / wall : 1;
    if (!behaviour.has("no_progress"))
      progress.block(static_cast<long long>(frames * part), frames * part / fps, fps,
                     static_cast<long long>(frames * part * 100), end);
    if (behaviour.has("crash")) crash();
    if (now > 0 && behaviour.has("vfork") && !std::exchange(waited, true)) wait_in_vfork(behaviour.number("vfork", 1));
    if (end) return static_cast<int>(behaviour.number("exit", 0));
    while (behaviour.has("hang")) wait_until(Clock::now() + std::chrono::milliseconds(100), behaviour.has("busy"));
  }
}

int shorten(Args args, const Behaviour& behaviour) {
  const double whole = length_of(args);
  const double part = behaviour.has("drop_half") ? whole / 2 : whole - behaviour.number("drop_tail", 0);
  const std::string text = std::to_string(part);
  if (const auto at = std::find(args.begin(), args.end(), "-t"); at != args.end())
    *(at + 1) = text;
  else
    args.insert(args.end() - 1, {"-t", text});
  const int code = run_real(args);
  if (behaviour.has("lie"))
    ProgressPipe(option(args, "-progress")).block(static_cast<long long>(whole * 30), whole, 30, 1000000, true);
  return code;
}

// The look at an encoder before it counts as usable, or at how many run at once; seconds with the real one.
bool is_encode_probe(const Args& args) { return option(args, "-i").starts_with("testsrc2") && args.back() == "-"; }

// One of the GPU's sessions, until the process ends. Files beside the program count them: an engine that may write
// nothing there can lock them all the same.
bool take_session(const std::string& program, const Behaviour& behaviour) {
  if (!behaviour.has("nvenc_sessions")) return true;
  for (int i = 0; i < static_cast<int>(behaviour.number("nvenc_sessions", 1)); ++i) {
    const std::string file = program + ".session." + std::to_string(i);
    int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fd = open(file.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      return true;
    }
  }
  std::fprintf(stderr, "[h264_nvenc @ 0x1] [error] OpenEncodeSessionEx failed: out of memory (10): (no details)\n");
  return false;
}

int answer_probe(const Args& args, const Behaviour& behaviour) {
  const std::string encoder = option(args, "-c:v");
  if (encoder.starts_with("lib")) return 0;
  if (encoder.ends_with("_nvenc") && behaviour.has("nvenc") && !behaviour.has("nvenc_gone"))
    return option(args, "-frames:v") == "8" || take_session(args[0], behaviour) ? 0 : 187;
  std::fprintf(stderr, "[%s @ 0x1] Cannot load libcuda.so.1\n", encoder.c_str());
  return 1;
}

// What a GPU makes is made by x264 here, unless the GPU fails in the middle.
int encode_on_gpu(Args args, const Behaviour& behaviour) {
  if (!take_session(args[0], behaviour)) return 187;
  if (behaviour.has("nvenc_dies")) {
    const ProgressPipe progress(option(args, "-progress"));
    progress.block(10, 0.3, 30, 1000, false);
    std::ofstream(output_of(args), std::ios::binary) << "a part of it";
    std::this_thread::sleep_for(std::chrono::duration<double>(behaviour.number("nvenc_dies", 0)));
    const std::string said = behaviour.has("nvenc_says") ? behaviour.text("nvenc_says") : "EncodePicture failed!: generic error (20)";
    std::fprintf(stderr, "[%s @ 0x1] [error] %s\n", option(args, "-c:v").c_str(), said.c_str());
    return 187;
  }
  const auto replace = [&args](const std::string& name, const std::vector<std::string>& with) {
    const auto at = std::find(args.begin(), args.end(), name);
    if (at != args.end()) args.insert(args.erase(at, at + 2), with.begin(), with.end());
  };
  replace("-c:v", {"-c:v", "libx264"});
  for (const char* nvenc_only : {"-gpu", "-preset", "-rc", "-cq"}) replace(nvenc_only, {});
  return run_real(args);
}

bool is_generation(const Args& args) { return option(args, "-i").starts_with("testsrc2"); }

int generate(const Args& args, const Behaviour& behaviour) {
  const bool on_gpu = option(args, "-c:v").ends_with("_nvenc");
  if (behaviour.has("gen_hang") || (on_gpu && behaviour.has("gen_nvenc_hangs")))
    for (;;) pause();
  while (behaviour.has("gen_busy")) wait_until(Clock::now() + std::chrono::seconds(1), true);
  std::this_thread::sleep_for(std::chrono::duration<double>(behaviour.number("gen_slow", 0)));
  if (behaviour.has("gen_full")) {
    std::ofstream(output_of(args), std::ios::binary) << "half of it";
    std::fprintf(stderr, "[error] av_interleaved_write_frame(): No space left on device\n");
    return 1;
  }
  if (on_gpu && behaviour.has("gen_nvenc_dies")) {
    std::fprintf(stderr, "[h264_nvenc @ 0x1] [error] OpenEncodeSessionEx failed: out of memory (10): (no details)\n");
    return 1;
  }
  if (behaviour.has("gen_exit")) {
    std::fprintf(stderr, "[error] gen_exit\n");
    return static_cast<int>(behaviour.number("gen_exit", 1));
  }
  if (behaviour.has("gen_cut")) {
    const int code = run_real(args);
    damage(output_of(args), "cut:" + behaviour.text("gen_cut"));
    return code;
  }
  if (on_gpu) return encode_on_gpu(args, behaviour);
  become_real(args);
}

}  // namespace

int main(int argc, char** argv) {
  const Args args(argv, argv + argc);
  const Behaviour behaviour = read_behaviour(args[0]);
  if (is_encode_probe(args)) return answer_probe(args, behaviour);
  if (option(args, "-progress").empty()) become_real(args);
  if (is_generation(args)) return generate(args, behaviour);
  if (option(args, "-c:v").ends_with("_nvenc")) return encode_on_gpu(args, behaviour);
  const auto is_of_generation = [](const auto& item) { return item.first.starts_with("gen_"); };
  if (std::all_of(behaviour.items.begin(), behaviour.items.end(), is_of_generation)) become_real(args);
  if (behaviour.has("nvenc") && !behaviour.has("slow")) become_real(args);
  prepare_signals(behaviour);
  if (behaviour.has("flood")) flood(behaviour.text("flood"));
  if (behaviour.has("stderr")) std::fprintf(stderr, "%s\n", behaviour.text("stderr").c_str());
  if (behaviour.has("drop_tail") || behaviour.has("drop_half")) return shorten(args, behaviour);
  const bool only_real = behaviour.items.size() == 1 && behaviour.has("stderr");
  if (behaviour.has("damage") || only_real) {
    const int code = run_real(args);
    damage(output_of(args), behaviour.text("damage"));
    return code;
  }
  return simulate(args, behaviour);
}
