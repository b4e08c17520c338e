#pragma once
// Secrets at rest: text sealed with a key that lies in a file of its own, so that a copy of the database tells none.
// AES-256-GCM (OpenSSL inside), NIST SP 800-38D; a fresh random nonce each time.
#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ffrtmp::net {

class Sealer {
 public:
  using Key = std::array<unsigned char, 32>;
  explicit Sealer(const Key& key) : key_(key) {}
  // The key of the file, 64 hex digits; made anew (0600) when there is none. kCorrupt: the file holds something else.
  [[nodiscard]] static Result<Sealer> open(const std::string& path);

  // "sealed:" and hex digits. kInternal when OpenSSL refuses.
  [[nodiscard]] Result<std::string> seal(std::string_view text) const;
  // kCorrupt: not sealed, changed since, or sealed with another key.
  [[nodiscard]] Result<std::string> unseal(std::string_view sealed) const;

 private:
  Key key_;
};

}  // namespace ffrtmp::net
