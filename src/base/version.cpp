#include "base/version.h"

namespace ffrtmp {

std::string_view version() { return FFRTMP_VERSION; }

}  // namespace ffrtmp
