#include "api/client_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>

#include "base/text.h"

namespace ffrtmp::api {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<std::string> read_whole(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return last_sys_error(cat("open ", path));
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = read(fd, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(count));
  const int error = count < 0 ? errno : 0;
  close(fd);
  if (error != 0) return sys_error(cat("read ", path), error);
  return text;
}

// A double-quoted YAML scalar.
std::string quoted(std::string_view text) { return cat("\"", escape(text), "\""); }

Status write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return last_sys_error(cat("write ", path));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (fsync(fd) != 0) return last_sys_error(cat("fsync ", path));
  return {};
}

Error at_mark(const std::string& path, const YAML::Mark& mark, std::string_view what) {
  return make_error(Errc::kCorrupt, cat(path, ":", mark.line + 1, ":", mark.column + 1, ": ", what));
}

}  // namespace

Result<ClientFile> load_client_file(const std::string& path) {
  FFRTMP_ASSIGN(const std::string text, read_whole(path));
  ClientFile file;
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap()) return make_error(Errc::kCorrupt, cat(path, ": must hold url, ca and key"));
    for (const auto& item : root) {
      const auto name = item.first.as<std::string>();
      std::string* member = name == "url" ? &file.url : name == "ca" ? &file.ca : name == "key" ? &file.key : nullptr;
      if (member == nullptr) return at_mark(path, item.first.Mark(), cat("unknown key \"", escape(name), "\""));
      *member = item.second.IsNull() ? std::string() : item.second.as<std::string>();
    }
  } catch (const YAML::Exception& error) {
    return at_mark(path, error.mark, error.msg);
  }
  if (file.url.empty()) return make_error(Errc::kCorrupt, cat(path, ": url is missing"));
  return file;
}

Status save_client_file(const std::string& path, const ClientFile& file) {
  const std::string part = cat(path, ".", getpid(), ".part");
  const int fd = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return last_sys_error(cat("create ", part));
  Status written =
      write_all(fd, cat("url: ", quoted(file.url), "\nca: ", quoted(file.ca), "\nkey: ", quoted(file.key), "\n"), part);
  close(fd);
  if (written && rename(part.c_str(), path.c_str()) != 0) written = last_sys_error(cat("rename ", part));
  if (!written) unlink(part.c_str());
  return written;
}

std::string default_state_dir() {
  if (geteuid() == 0) return "/var/lib/ffrtmp";
  if (const std::string xdg = environment("XDG_STATE_HOME"); xdg.starts_with('/')) return xdg + "/ffrtmp";
  return environment("HOME") + "/.local/state/ffrtmp";
}

Result<ClientFilePlace> find_client_file(const std::string& named) {
  const std::string path = named.empty() ? default_state_dir() + "/client.yaml" : named;
  const bool exists = access(path.c_str(), F_OK) == 0;
  if (!named.empty() && !exists) return make_error(Errc::kInvalid, cat("client file ", path, ": no such file"));
  return ClientFilePlace{exists ? path : std::string(), path};
}

}  // namespace ffrtmp::api
