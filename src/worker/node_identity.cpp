#include "worker/node_identity.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "json/json.h"
#include "sys/file_io.h"
#include "sys/lock.h"

namespace ffrtmp::worker {
namespace {

struct NodeFile {
  Uuid node_id;
  std::string token;
};
BOOST_DESCRIBE_STRUCT(NodeFile, (), (node_id, token))

// The file's text. It holds a secret: one that others may read (restored from a backup, edited) is closed to them.
Result<std::string> read_private(const std::string& path) {
  FFRTMP_ASSIGN(const sys::Fd file, sys::open_file(path, O_RDONLY | O_NOFOLLOW));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return last_sys_error(cat("stat ", path));
  if ((info.st_mode & 0077) != 0) {
    log::warn("others could read the node's token", {{"path", path}});
    if (fchmod(file.get(), 0600) != 0) return last_sys_error(cat("chmod ", path));
  }
  return sys::read_text(path);
}

}  // namespace

Result<NodeIdentity> NodeIdentity::open(const std::string& state_dir) {
  NodeIdentity identity;
  identity.path_ = state_dir + "/node.json";
  FFRTMP_ASSIGN(identity.lock_, sys::open_file(state_dir + "/node.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!sys::try_lock(identity.lock_.get()))
    return make_error(Errc::kUnavailable, cat("another worker runs in ", state_dir));
  auto text = read_private(identity.path_);
  if (!text && text.error().code == Errc::kGone) return identity;
  if (!text) return std::move(text).error();
  auto file = json::decode<NodeFile>(*text, json::UnknownKeys::kIgnore);
  if (!file) return std::move(file).error().within(identity.path_);
  identity.node_id_ = file->node_id;
  identity.token_ = file->token;
  return identity;
}

Status NodeIdentity::save(const Uuid& node_id, const std::string& token) {
  token_ = token;
  FFRTMP_TRY(sys::write_atomic(path_, json::encode(NodeFile{node_id, token}), 0600, sys::Sync::kYes));
  node_id_ = node_id;
  return {};
}

}  // namespace ffrtmp::worker
