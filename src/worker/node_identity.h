#pragma once
// Who this worker is: <state-dir>/node.json, 0600, flock'ed while a worker runs. Never the host's name or address.
#include <boost/describe.hpp>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::worker {

class NodeIdentity {
 public:
  // kUnavailable when another worker holds it.
  [[nodiscard]] static Result<NodeIdentity> open(const std::string& state_dir);
  [[nodiscard]] const std::optional<Uuid>& node_id() const { return node_id_; }
  [[nodiscard]] const std::string& token() const { return token_; }
  // An empty token: the master has not answered yet. On failure this process knows the token, which the master goes by
  // already, but no id that a restart would not find.
  [[nodiscard]] Status save(const Uuid& node_id, const std::string& token);
  // The token was refused; the id is kept.
  void forget_token() { token_.clear(); }

 private:
  std::string path_;
  sys::Fd lock_;
  std::optional<Uuid> node_id_;
  std::string token_;
};

}  // namespace ffrtmp::worker
