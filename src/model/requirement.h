#pragma once
// What a job needs of a node. Jobs of equal requirement form one class of the queue, so that a claim visits only the
// classes its node fits, and a job that cannot run anywhere blocks none.
#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "model/job.h"
#include "model/node.h"

namespace ffrtmp::model {

struct Requirement {
  std::string codec;                   // codec or encoder name; "copy" needs no encoder
  Engine engine = Engine::kAuto;       // kAuto: ffmpeg or gstreamer
  HwAccel hwaccel = HwAccel::kAuto;
  std::string pixel_format;
  std::string protocol;                // "file", "hls", "rtmp", "srt", "udp"
  std::optional<std::string> outlet;   // "rtmp://127.0.0.1:1935", where a node has to have it listed
  std::optional<int> min_threads;
  std::optional<std::int64_t> min_ram_mb;
  std::map<std::string, std::string> labels;
  std::optional<Uuid> node_id;
  bool operator==(const Requirement&) const = default;
};
BOOST_DESCRIBE_STRUCT(Requirement, (),
                      (codec, engine, hwaccel, pixel_format, protocol, outlet, min_threads, min_ram_mb, labels, node_id))

[[nodiscard]] Requirement requirement_of(const JobSpec& spec, const Parameters& effective);
// Why the node cannot run it, in a person's words ("no encoder av1_nvenc"); nothing when it can.
[[nodiscard]] std::optional<std::string> unfit_reason(const Requirement& need, const Uuid& node_id, const NodeFacts& node);

}  // namespace ffrtmp::model
