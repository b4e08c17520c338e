#pragma once
// What of the file system an engine needs besides its input and output: programs, libraries, fonts, devices, and what
// libraries look up about the machine. Homes, spools, keys and other people's files are not in it.
#include <string>
#include <vector>

#include "sys/host.h"

namespace ffrtmp::worker {

struct EngineReach {
  std::vector<std::string> readable;
  std::vector<std::string> writable;
};

// Of both together.
[[nodiscard]] EngineReach joined(EngineReach reach, const EngineReach& other);

// `program` is looked up in PATH; the directory it lies in (links followed) is readable, for what it brings along.
[[nodiscard]] EngineReach reach_of_engine(const std::string& program, const sys::Host& host);

}  // namespace ffrtmp::worker
