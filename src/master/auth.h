#pragma once
// Who is calling: keys of people and tokens of nodes, by the hash of the secret. Plain secrets are never kept.
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"
#include "store/command.h"

namespace ffrtmp::master {

struct Caller {
  std::string key_name;          // of a key: its name, the owner of what it submits
  std::optional<Uuid> node_id;   // of a node token
  [[nodiscard]] bool is_node() const { return node_id.has_value(); }
  // "key:admin" or "node:<uuid>", as transitions record it.
  [[nodiscard]] std::string actor() const;
};

// Any thread.
class Auth {
 public:
  void add_key(const store::KeyRecord& key);
  // Replaces the node's former token.
  void set_node_token(const Uuid& node_id, const std::string& token_hash);
  // The caller of "Authorization: Bearer SECRET"; nothing when the secret is unknown or there is none.
  [[nodiscard]] std::optional<Caller> authenticate(std::optional<std::string_view> authorization) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Caller> callers_;       // by SHA-256 hex of the secret
  std::unordered_map<Uuid, std::string> token_of_node_;   // its hash
};

}  // namespace ffrtmp::master
