#pragma once
// How many encodes a hardware device takes at once. Drivers bound them (NVENC on consumer cards to 2-12) and tell
// nobody, so it is tried. Source: https://developer.nvidia.com/video-encode-decode-support-matrix
#include <string>
#include <vector>

#include "media/probe.h"
#include "model/node.h"

namespace ffrtmp::media {

// Runs up to `at_once` encodes of two seconds at the same time on each device that has a usable encoder, at most 16.
// Where fewer go well, all encoders of the device bear that number. A device that a usable encoder of `known` is on
// keeps its number and is not tried: jobs may be at work there. With `at_once` 1 nothing is tried.
void count_sessions(const std::string& ffmpeg, int at_once, const RunTool& run,
                    const std::vector<model::Encoder>& known, std::vector<model::Encoder>& encoders);

}  // namespace ffrtmp::media
