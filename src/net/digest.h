#pragma once
// SHA-256 and random secrets (OpenSSL inside).
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ffrtmp::net {

// Lower-case hex of the SHA-256 of `data`.
[[nodiscard]] std::string sha256_hex(std::string_view data);
// Of a whole open file, from its start; the descriptor's position is not used.
[[nodiscard]] Result<std::string> sha256_file(int fd);
// prefix + 43 characters [A-Za-z0-9_-]: 256 random bits.
[[nodiscard]] std::string make_secret(std::string_view prefix);

}  // namespace ffrtmp::net
