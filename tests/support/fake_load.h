#pragma once
// The program of fake_load_main.cpp: a workload that burns, holds, forks or transfers as much as it is told.
#include <string>

namespace ffrtmp::test {

// Where it is; FFRTMP_FAKE_LOAD when it was carried elsewhere (tools/test-in-vm).
[[nodiscard]] std::string fake_load();

}  // namespace ffrtmp::test
