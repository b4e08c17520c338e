#pragma once
// Which of a node's encoders a job gets, in words. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "model/node.h"

namespace ffrtmp::model {

// What a job that asks for `codec` ("h264", "hevc") and nothing else gets there and why, in a sentence.
[[nodiscard]] std::string explain_choice(std::string_view codec, const std::vector<Encoder>& encoders);

}  // namespace ffrtmp::model
