#pragma once
// Text as one word of a shell.
#include <string>
#include <string_view>

namespace ffrtmp::cli {

// In single quotes, where nothing means anything; bash, zsh and fish read '\\'' as a quote inside.
[[nodiscard]] std::string shell_word(std::string_view text);

}  // namespace ffrtmp::cli
