#pragma once
// Everything that may change the store, as data. One command is one transaction; its reply is true once it is committed.
// Rules of each are written at apply.h. "attempt" commands are checked in this order: unknown kNotFound, another node's
// kForbidden, not current, ended or lease expired kStaleAttempt.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "model/attempt.h"
#include "model/job.h"
#include "model/node.h"

namespace ffrtmp::store {

// How a caller names a job: by number or by UUID.
using JobRef = std::variant<std::int64_t, Uuid>;

// A change an operator wants of a live attempt. Derived from the job, not stored: repeated until acknowledged.
enum class Action : std::uint8_t { kPause, kResume, kCancel, kAbandon };
BOOST_DESCRIBE_ENUM(Action, kPause, kResume, kCancel, kAbandon)
struct WorkerCommand {
  std::string command_id;  // "<attempt>/<desired_version>"
  Uuid attempt_id;
  Action action = Action::kPause;
  std::optional<int> grace_seconds;
};
BOOST_DESCRIBE_STRUCT(WorkerCommand, (), (command_id, attempt_id, action, grace_seconds))

struct Submit {
  model::Job job;  // id, owner, spec, effective and scenario_parsed are set; the store adds number and status
  std::optional<std::string> idempotency_key;  // per owner, 24 h
  std::string body_sha256;                     // of the request body; only read with a key
  struct Reply {
    model::Job job;
    bool existing = false;  // the key was used before with the same body
  };
};

struct Claim {
  Uuid claim_id;
  Uuid node_id;
  Uuid instance_id;
  int slots = 1;  // 1-64
  struct Granted {
    model::Job job;
    model::Attempt attempt;
    std::vector<model::PublishGrant> earlier_grants;  // of former attempts, newest first
  };
  struct Reply {
    std::vector<Granted> granted;  // empty: nothing to run, draining, or no free slot
  };
};

struct ReportProgress {
  Uuid attempt_id;
  Uuid node_id;
  std::int64_t seq = 0;  // one that is not newer than the last is answered, not applied
  model::Progress progress;
  std::vector<std::string> acks;  // command ids the worker has carried out
  struct Reply {
    std::chrono::milliseconds lease_left{0};
    std::vector<WorkerCommand> commands;
  };
};

// Whether a log chunk of this attempt may be written; renews the lease.
struct TouchAttempt {
  Uuid attempt_id;
  Uuid node_id;
  struct Reply {
    std::int64_t job_sequence = 0;
  };
};

struct Publish {
  Uuid attempt_id;
  Uuid node_id;
  model::PublishGrant grant;
  struct Reply {};
};

struct Finish {
  Uuid attempt_id;
  Uuid node_id;
  model::AttemptResult result;
  struct Reply {
    model::JobState job_status = model::JobState::kQueued;
    std::optional<UtcTime> retry_at;
  };
};

struct Release {
  Uuid attempt_id;
  Uuid node_id;
  std::string reason;
  struct Reply {
    model::JobState job_status = model::JobState::kQueued;
  };
};

// The four things an operator may ask of a job. The reply carries the job after the change; `desired` set = a live
// attempt has to follow first.
struct ControlJob {
  enum class Kind : std::uint8_t { kCancel, kPause, kResume, kRetry };
  JobRef job;
  Kind kind = Kind::kCancel;
  std::string actor;
  std::string reason;
  std::optional<int> grace_seconds;  // cancel only
  bool is_operator = true;           // may retry a rejected job
  std::optional<std::string> only_owner;  // set: other owners' jobs are kNotFound
  struct Reply {
    model::Job job;
  };
};

struct RegisterNode {
  std::optional<Uuid> node_id;  // known identity, proven by its token (checked before)
  Uuid new_node_id;             // taken when node_id is absent or unknown
  Uuid instance_id;
  std::string boot_id;
  model::NodeFacts facts;
  std::string token_hash;       // of a new token; empty: the node keeps the one it came with
  std::vector<Uuid> attempts;   // the worker still holds
  struct Verdict {
    Uuid attempt_id;
    bool keep = false;
  };
  struct Reply {
    model::Node node;
    bool created = false;
    std::vector<Verdict> attempts;  // one a listed attempt
  };
};

// Load as a worker reports it.
struct NodeLoad {
  std::optional<double> load1;
  std::optional<double> cpu_percent;  // 0-100 of the whole machine
  std::optional<std::int64_t> ram_free_bytes;
  std::optional<std::int64_t> disk_free_bytes;
  std::optional<int> slots_free;
};
BOOST_DESCRIBE_STRUCT(NodeLoad, (), (load1, cpu_percent, ram_free_bytes, disk_free_bytes, slots_free))

// Contact of a node: revives it and renews the listed leases. Memory only, nothing is written.
struct Heartbeat {
  Uuid node_id;
  Uuid instance_id;
  NodeLoad load;
  std::vector<Uuid> attempts;
  struct Lease {
    Uuid attempt_id;
    std::chrono::milliseconds left{0};
  };
  struct Reply {
    model::NodeStatus node_status = model::NodeStatus::kAvailable;
    std::vector<WorkerCommand> commands;
    std::vector<Lease> leases;
    std::vector<Uuid> stale;
  };
};

// What time alone changes: expired leases, silent nodes, retries whose backoff is over, old idempotency keys.
struct Sweep {
  struct Reply {
    int leases_expired = 0;
    int retries_due = 0;
  };
};

struct KeyRecord {
  std::string id;      // short public name of the key
  std::string name;    // the owner of what it submits
  std::string role;    // "admin"
  std::string hash;    // SHA-256 hex of the secret
  UtcTime created_at;
  bool operator==(const KeyRecord&) const = default;
};
BOOST_DESCRIBE_STRUCT(KeyRecord, (), (id, name, role, hash, created_at))
struct CreateKey {
  KeyRecord key;
  struct Reply {};
};

using Command = std::variant<Submit, Claim, ReportProgress, TouchAttempt, Publish, Finish, Release, ControlJob,
                             RegisterNode, Heartbeat, Sweep, CreateKey>;
using Reply = std::variant<Submit::Reply, Claim::Reply, ReportProgress::Reply, TouchAttempt::Reply, Publish::Reply,
                           Finish::Reply, Release::Reply, ControlJob::Reply, RegisterNode::Reply, Heartbeat::Reply,
                           Sweep::Reply, CreateKey::Reply>;

}  // namespace ffrtmp::store
