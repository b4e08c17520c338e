#pragma once
// Good files of the shapes that media really have, and what a result must say about each.
#include <ostream>
#include <string>
#include <vector>

#include "tests/corpus/corpus.h"

namespace ffrtmp::test {

struct GoodFile {
  std::string shape;
  std::string extension;       // of the input
  std::string args;            // of ffmpeg, which makes it
  std::string output = "mp4";  // extension of the output
  model::Parameters parameters = {};
  std::vector<std::string> named = {};  // regular expressions: what the result names as converted or left out
  std::string entries = {};             // what ffprobe says of the output …
  std::string said = {};                // … is this
  std::string streams = {};             // … of these streams; empty: of all
};

inline void PrintTo(const GoodFile& file, std::ostream* out) { *out << file.args; }

// At least five of each shape, one after another.
[[nodiscard]] std::vector<GoodFile> good_files();

}  // namespace ffrtmp::test
