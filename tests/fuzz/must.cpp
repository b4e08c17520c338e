#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/fuzz.h"

namespace ffrtmp::fuzz {

void must(bool law, const char* what) {
  if (law) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace ffrtmp::fuzz
