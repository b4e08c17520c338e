#pragma once
// Faults for tests: FFRTMP_FAULT="op:ERRNO[:count],…" breaks the named operation, the first `count` times or always.
// ERRNO "STALL": it hangs, and never returns.
// Inert unless the process was started with the hidden flag --fault.
#include <string_view>

#include "base/result.h"

namespace ffrtmp::fault {

// Arms the faults of FFRTMP_FAULT. kInvalid for an item that is none. Call once in main.
[[nodiscard]] Status arm_from_environment();
// Errno with which `op` has to fail now, 0 for none. Any thread; one relaxed load when nothing is armed.
[[nodiscard]] int next(std::string_view op);
// The error of `op` failing at `what`, when it has to.
[[nodiscard]] Status check(std::string_view op, std::string_view what);
// For tests in one process.
[[nodiscard]] Status arm(std::string_view text);

}  // namespace ffrtmp::fault
