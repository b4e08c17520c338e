#pragma once
// A worker's machine as it announced itself, and as the master sees it.
#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace ffrtmp::model {

enum class NodeType : std::uint8_t { kServer, kDesktop, kLaptop };
BOOST_DESCRIBE_ENUM(NodeType, kServer, kDesktop, kLaptop)
enum class NodeStatus : std::uint8_t { kAvailable, kBusy, kDraining, kOffline };
BOOST_DESCRIBE_ENUM(NodeStatus, kAvailable, kBusy, kDraining, kOffline)

struct Gpu {
  std::string vendor;
  std::string name;
  std::optional<std::string> uuid;
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::string> driver;
  std::optional<std::string> render_node;
};
BOOST_DESCRIBE_STRUCT(Gpu, (), (vendor, name, uuid, memory_bytes, driver, render_node))

// One encoder that was tried on this node. Only usable ones are scheduled to.
struct Encoder {
  std::string name;   // "libx264"
  std::string codec;  // "h264"
  bool hardware = false;
  std::optional<std::string> device;  // render node or index of an NVIDIA GPU
  bool usable = false;
  std::optional<std::string> reason;  // why not
  std::vector<std::string> pix_fmts;
  std::optional<std::string> detail = std::nullopt;  // ffmpeg's last words about why not, at most 2 KiB
  // Encodes that the device takes at once, those of its other encoders included; absent: no bound below the node's
  // slots.
  std::optional<int> sessions = std::nullopt;
};
BOOST_DESCRIBE_STRUCT(Encoder, (), (name, codec, hardware, device, usable, reason, pix_fmts, detail, sessions))

struct NodeFacts {
  std::string name;  // host name or as configured; never an identity
  std::optional<std::string> address;
  NodeType type = NodeType::kDesktop;
  std::string version;
  int cpu_threads = 1;
  std::string cpu_model;
  std::int64_t ram_total_bytes = 0;
  std::vector<Gpu> gpus;
  std::map<std::string, std::string> engines;  // "ffmpeg" -> version
  std::vector<Encoder> encoders;
  std::vector<std::string> hwaccels;
  int slots = 1;  // 1-64
  std::map<std::string, std::string> labels;
  // Allowed input and output directories, for the master's check of the text, and hosts of live outputs that are
  // allowed although they are not public ("rtmp://127.0.0.1:1935").
  std::vector<std::string> roots;
  bool generates_input = false;  // takes jobs without an input and makes one
};
BOOST_DESCRIBE_STRUCT(NodeFacts, (),
                      (name, address, type, version, cpu_threads, cpu_model, ram_total_bytes, gpus, engines, encoders,
                       hwaccels, slots, labels, roots, generates_input))

// As stored. Load and last contact are memory of the running master (store/live.h).
struct Node {
  Uuid id;
  Uuid instance_id;  // of the worker process; a newer one supersedes the older
  std::string boot_id;
  NodeFacts facts;
  std::string token_hash;  // SHA-256 hex of the node token
  bool draining = false;
  UtcTime registered_at;
  UtcTime last_heartbeat_at;
};
BOOST_DESCRIBE_STRUCT(Node, (),
                      (id, instance_id, boot_id, facts, token_hash, draining, registered_at, last_heartbeat_at))

}  // namespace ffrtmp::model
