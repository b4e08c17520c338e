#pragma once
// What a machine can do, for a person.
#include <string>

#include "model/node.h"

namespace ffrtmp::cli {

// Hardware, engines, every encoder with its reason, and for each codec the one that a job gets.
[[nodiscard]] std::string machine_text(const model::NodeFacts& facts);

}  // namespace ffrtmp::cli
