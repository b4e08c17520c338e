#pragma once
// The ways in which an output may be spoiled, and what the refusal must name.
#include <functional>
#include <string>
#include <vector>

#include "tests/corpus/corpus.h"

namespace ffrtmp::test {

// An output of the product: its container, and the encoder that made its pictures.
struct Kind {
  std::string extension;
  std::string encoder;
};
[[nodiscard]] std::string name_of(const Kind& kind);
[[nodiscard]] const std::vector<Kind>& kinds();

// Changes bytes in place.
struct ByteDamage {
  std::string name;
  std::function<void(std::string& bytes, const std::vector<Place>& packets, Draw& draw)> apply;
};
[[nodiscard]] const std::vector<ByteDamage>& byte_damages();

// Makes another file of a clean one, by ffmpeg, which exits 0.
struct MediaDamage {
  std::string name;
  std::string args;         // behind "-i CLEAN -map 0"; ENC stands for the encoder of the kind with its options
  std::string words;        // a regular expression that the refusal must match
  std::string only = {};    // extensions that it fits, separated by blanks; empty: all
  std::string not_by = {};  // an encoder that cannot make it
};
[[nodiscard]] const std::vector<MediaDamage>& media_damages();

// Makes the encoder's pictures quickly.
[[nodiscard]] std::string quick_options(const std::string& encoder);

}  // namespace ffrtmp::test
