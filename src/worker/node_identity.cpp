#include "worker/node_identity.h"

#include <fcntl.h>

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

}  // namespace

Result<NodeIdentity> NodeIdentity::open(const std::string& state_dir) {
  NodeIdentity identity;
  identity.path_ = state_dir + "/node.json";
  FFRTMP_ASSIGN(identity.lock_, sys::open_file(state_dir + "/node.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!sys::try_lock(identity.lock_.get()))
    return make_error(Errc::kUnavailable, cat("another worker runs in ", state_dir));
  auto text = sys::read_text(identity.path_);
  if (!text && text.error().code == Errc::kGone) return identity;
  if (!text) return std::move(text).error();
  auto file = json::decode<NodeFile>(*text, json::UnknownKeys::kIgnore);
  if (!file) return std::move(file).error().within(identity.path_);
  identity.node_id_ = file->node_id;
  identity.token_ = file->token;
  return identity;
}

Status NodeIdentity::save(const Uuid& node_id, const std::string& token) {
  node_id_ = node_id;
  token_ = token;
  return sys::write_atomic(path_, json::encode(NodeFile{node_id, token}), 0600, sys::Sync::kYes);
}

}  // namespace ffrtmp::worker
