#include "tests/support/fake_load.h"

#include <cstdlib>

namespace ffrtmp::test {

std::string fake_load() {
  const char* carried = std::getenv("FFRTMP_FAKE_LOAD");
  return carried != nullptr ? carried : FFRTMP_FAKE_LOAD_BUILT;
}

}  // namespace ffrtmp::test
