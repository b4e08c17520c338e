#include "worker/secret_mask.h"

#include <algorithm>
#include <optional>

#include "engine/engine.h"

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

void hide_secret(model::AttemptResult& result, const std::string& secret) {
  const auto hide = [&](std::optional<std::string>& text) {
    if (text) text = engine::mask_secrets(*text, secret);
  };
  hide(result.error);
  if (result.output) hide(result.output->verify_error);
  if (result.encoder) hide(result.encoder->fallback_reason);
}

}  // namespace ffrtmp::worker
