#include "model/ffmpeg_words.h"

namespace ffrtmp::model {

std::string without_addresses(std::string_view text) {
  constexpr std::string_view kMark = " @ 0x";
  std::string out;
  while (true) {
    const std::size_t at = text.find(kMark);
    if (at == std::string_view::npos) return out.append(text);
    const std::size_t end = text.find_first_not_of("0123456789abcdef", at + kMark.size());
    const bool is_address = end != std::string_view::npos && text[end] == ']';
    out.append(text.substr(0, is_address ? at : at + kMark.size()));
    text.remove_prefix(is_address ? end : at + kMark.size());
  }
}

}  // namespace ffrtmp::model
