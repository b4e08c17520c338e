#include "worker/secret_mask.h"

#include <algorithm>

namespace ffrtmp::worker {

std::size_t mask_secret(std::string& piece, std::string_view secret, bool is_last) {
  if (secret.empty()) return piece.size();
  for (std::size_t at = piece.find(secret); at != std::string::npos; at = piece.find(secret, at))
    piece.replace(at, secret.size(), secret.size(), '*');
  if (is_last) return piece.size();
  for (std::size_t held = std::min(secret.size() - 1, piece.size()); held > 0; --held)
    if (std::string_view(piece).ends_with(secret.substr(0, held))) return piece.size() - held;
  return piece.size();
}

}  // namespace ffrtmp::worker
