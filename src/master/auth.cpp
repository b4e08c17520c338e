#include "master/auth.h"

#include "base/text.h"
#include "net/digest.h"

namespace ffrtmp::master {

std::string Caller::actor() const { return node_id ? cat("node:", node_id->str()) : cat("key:", key_name); }

void Auth::add_key(const store::KeyRecord& key) {
  const std::lock_guard lock(mutex_);
  callers_[key.hash] = Caller{key.name, std::nullopt};
}

void Auth::set_node_token(const Uuid& node_id, const std::string& token_hash) {
  const std::lock_guard lock(mutex_);
  std::string& current = token_of_node_[node_id];
  if (!current.empty()) callers_.erase(current);
  current = token_hash;
  callers_[token_hash] = Caller{{}, node_id};
}

std::optional<Caller> Auth::authenticate(std::optional<std::string_view> authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization || authorization->size() <= kScheme.size()) return std::nullopt;
  if (to_lower(authorization->substr(0, kScheme.size())) != "bearer ") return std::nullopt;
  // The look-up is by the digest of the secret: how long it takes says nothing about the secret.
  const std::string hash = net::sha256_hex(trim(authorization->substr(kScheme.size())));
  const std::lock_guard lock(mutex_);
  const auto found = callers_.find(hash);
  if (found == callers_.end()) return std::nullopt;
  return found->second;
}

}  // namespace ffrtmp::master
