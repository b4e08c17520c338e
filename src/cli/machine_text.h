#pragma once
// What a machine can do, for a person.
#include <optional>
#include <string>

#include "model/gstreamer.h"
#include "model/node.h"

namespace ffrtmp::cli {

// Hardware, engines (GStreamer with what it lacks), every encoder with its reason, and for each codec the one that a job gets.
[[nodiscard]] std::string machine_text(const model::NodeFacts& facts, const std::optional<model::Gstreamer>& gstreamer);

}  // namespace ffrtmp::cli
