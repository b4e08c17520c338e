#include "engine/engine.h"

namespace ffrtmp::engine {

std::string mask_secrets(std::string text, std::string_view secret) {
  constexpr std::string_view kMask = "***";
  if (!secret.empty())
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMask.size()))
      text.replace(at, secret.size(), kMask);
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const std::size_t start = at + 3;
    const std::size_t end = text.find_first_of("/?# \t\n", start);
    // The last '@' before the path: a password may hold one.
    const std::size_t host = text.rfind('@', end == std::string::npos ? end : end - 1);
    if (host != std::string::npos && host >= start) text.replace(start, host - start, kMask);
  }
  return text;
}

}  // namespace ffrtmp::engine
