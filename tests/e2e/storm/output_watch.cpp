#include "tests/e2e/storm/output_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/text.h"
#include "net/digest.h"
#include "sys/file_io.h"
#include "tests/e2e/box.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::test {
namespace {

constexpr std::uint32_t kEvents = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE;

bool is_partial(const std::string& name) { return name.find(".part.") != std::string::npos; }

}  // namespace

OutputWatch::OutputWatch(std::string dir, std::string scratch, Findings& findings)
    : dir_(std::move(dir)),
      scratch_(std::move(scratch)),
      findings_(findings),
      inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (inotify_add_watch(inotify_.get(), dir_.c_str(), kEvents) < 0) findings_.add("no inotify on " + dir_);
  thread_ = std::thread([this] { loop(); });
}

OutputWatch::~OutputWatch() {
  done_ = true;
  thread_.join();
}

void OutputWatch::expect(const std::string& name, const Expected& expected, const std::string& old_content) {
  const std::lock_guard lock(mutex_);
  Name& at = names_[name];
  at.expected = expected;
  if (!old_content.empty()) at.old_digest = net::sha256_hex(old_content);
}

void OutputWatch::close(const std::string& name, bool has_new) {
  const std::lock_guard lock(mutex_);
  names_.at(name).asked_to_close = true;
  names_.at(name).has_new = has_new;
}

void OutputWatch::loop() {
  while (!done_) {
    pollfd ready{inotify_.get(), POLLIN, 0};
    const int n = poll(&ready, 1, 50);
    if (n > 0) take_events();
    if (n == 0) close_asked();
  }
}

// Only with no event waiting: what led to the job's end has been seen by then.
void OutputWatch::close_asked() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, at] : names_)
    if (at.asked_to_close) at.is_closed = true;
}

void OutputWatch::take_events() {
  alignas(inotify_event) char buffer[64 << 10];
  const ssize_t size = read(inotify_.get(), buffer, sizeof buffer);
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    at += static_cast<ssize_t>(sizeof *event) + event->len;
    if ((event->mask & IN_Q_OVERFLOW) != 0) findings_.add("inotify lost events");
    if (event->len > 0) on_event(event->name, event->mask);
  }
}

void OutputWatch::on_event(const std::string& name, std::uint32_t mask) {
  if (is_partial(name)) return;
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(name);
  if (found == names_.end()) return findings_.add(cat("a file that nobody asked for: ", name));
  Name& at = found->second;
  if (at.is_closed) findings_.add(cat(name, " is touched after its job's end, event ", mask));
  if ((mask & (IN_MODIFY | IN_CLOSE_WRITE)) != 0) findings_.add(cat(name, " is written to under its final name"));
  look(name, at);
}

void OutputWatch::look(const std::string& name, Name& at) {
  const sys::Fd file(open((dir_ + "/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  at.digest.clear();
  if (!file) {
    if (!at.old_digest.empty()) findings_.add(cat(name, " is gone, though a file stood there before"));
    return;
  }
  ++appearances_;
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return findings_.add(cat("fstat ", name));
  auto bytes = sys::read_at(file.get(), static_cast<std::size_t>(info.st_size), 0);
  if (!bytes) return findings_.add(bytes.error().message);
  at.digest = net::sha256_hex(*bytes);
  at.digests.insert(at.digest);
  contents_.emplace(at.digest, std::move(*bytes));
}

void OutputWatch::judge_new() {
  std::vector<std::tuple<std::string, std::string, Expected, std::string>> fresh;  // name, digest, expected, bytes
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, at] : names_)
      for (const std::string& digest : at.digests)
        if (digest != at.old_digest && !verdicts_.contains({digest, at.expected.width}))
          fresh.emplace_back(name, digest, at.expected, contents_.at(digest));
  }
  for (const auto& [name, digest, expected, bytes] : fresh) {
    if (verdicts_.contains({digest, expected.width})) continue;
    const std::string path = scratch_ + "/judged" + std::filesystem::path(name).extension().string();
    write_file(path, bytes);
    const std::string why = why_not_whole(path, expected);
    verdicts_[{digest, expected.width}] = why;
    if (!why.empty()) findings_.add(cat(name, " appeared and was not whole: ", why));
  }
}

std::string OutputWatch::why_not_whole(const std::string& path, const Expected& expected) const {
  const Ran probe = run_command({"ffprobe", "-v", "error", "-count_packets", "-show_entries",
                                 "stream=codec_type,width,nb_read_packets", "-of", "csv=p=0", path});
  int video = 0;
  int audio = 0;
  for (const auto line : split(probe.out, '\n')) {
    const auto fields = split(line, ',');
    if (fields.size() >= 3 && fields[0] == "video") {
      video = static_cast<int>(parse_int(fields[2]).value_or(0));
      if (parse_int(fields[1]).value_or(0) != expected.width) return cat("another job's picture: ", line);
    } else if (fields.size() >= 2 && fields[0] == "audio") {
      audio = static_cast<int>(parse_int(fields[1]).value_or(0));
    }
  }
  if (video != expected.video_packets || audio < expected.least_audio_packets)
    return cat(video, " video and ", audio, " audio packets; ", probe.err);
  const Ran decode = run_command({"ffmpeg", "-v", "error", "-nostdin", "-xerror", "-i", path, "-f", "null", "-"});
  return decode.exit_code == 0 && decode.err.empty() ? "" : cat("does not decode: ", decode.err);
}

void OutputWatch::judge_end() {
  judge_new();
  const std::lock_guard lock(mutex_);
  for (auto& [name, at] : names_) {
    const std::string before = at.digest;
    const std::string path = dir_ + "/" + name;
    const bool exists = std::filesystem::exists(path);
    const std::string now = exists ? net::sha256_hex(read_file(path)) : "";
    // A file that was there before the job has had no event.
    if (!(before.empty() && now == at.old_digest) && now != before)
      findings_.add(cat(name, " has changed without an event"));
    if (at.has_new && (now.empty() || now == at.old_digest))
      findings_.add(cat(name, " is missing, its job is completed"));
    if (!at.has_new && now != at.old_digest)
      findings_.add(cat(
          name, exists ? " is there, though its job is not completed" : " is gone, though its job changed nothing"));
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir_))
    if (const std::string name = entry.path().filename(); !names_.contains(name))
      findings_.add(cat("left in the output directory: ", name));
}

}  // namespace ffrtmp::test
