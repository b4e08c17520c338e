#pragma once
// Hides a secret in a stream that is told piece by piece. Offsets stay what they are: each letter becomes a '*'. Pure.
#include <string>
#include <string_view>

#include "model/outcome.h"

namespace ffrtmp::worker {

// Masks every occurrence in `piece`, and gives how many of its bytes may be told: what could be the beginning of one
// that the next piece completes waits for it, unless this is the last.
[[nodiscard]] std::size_t mask_secret(std::string& piece, std::string_view secret, bool is_last);

// The same in what a result says in words, and user info of addresses there. The engine's words are told from its own
// text first: a key may be a word that decides what they mean.
void hide_secret(model::AttemptResult& result, const std::string& secret);

}  // namespace ffrtmp::worker
