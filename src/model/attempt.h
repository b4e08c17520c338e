#pragma once
// One start of a job on one node. Kept for ever; a stale attempt changes nothing.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "model/job.h"
#include "model/outcome.h"

namespace ffrtmp::model {

//   live ── result ──> ended(status of the result)
//    ├── release ────> released
//    └── lease expired, node re-registered without it, job ended otherwise ──> lost
enum class AttemptState : std::uint8_t { kLive, kCompleted, kFailed, kCanceled, kTimedOut, kReleased, kLost };
BOOST_DESCRIBE_ENUM(AttemptState, kLive, kCompleted, kFailed, kCanceled, kTimedOut, kReleased, kLost)

// A file that the master allowed an attempt to put at its final path. Stored before the rename happens.
struct PublishGrant {
  std::string path;
  std::int64_t size = 0;  // bytes
  std::string sha256;     // lower-case hex
  bool operator==(const PublishGrant&) const = default;
};
BOOST_DESCRIBE_STRUCT(PublishGrant, (), (path, size, sha256))

struct Attempt {
  Uuid id;
  std::int64_t job_sequence = 0;
  int number = 1;  // 1, 2, … within the job: the fencing token
  Uuid node_id;
  Uuid claim_id;   // the request that created it; repeating it returns it again
  AttemptState state = AttemptState::kLive;
  UtcTime claimed_at;
  std::optional<UtcTime> started_at;
  std::optional<UtcTime> ended_at;
  std::optional<PublishGrant> grant;
  std::optional<AttemptResult> result;
  // What the sender of the result was answered: repeated word for word when the same result comes again.
  std::optional<JobState> reply_status;
  std::optional<UtcTime> reply_retry_at;
  // The device of which it holds an encoder session while it lives (model/encoder_choice.h).
  std::optional<std::string> session_device;
};
BOOST_DESCRIBE_STRUCT(Attempt, (),
                      (id, job_sequence, number, node_id, claim_id, state, claimed_at, started_at, ended_at, grant,
                       result, reply_status, reply_retry_at, session_device))

}  // namespace ffrtmp::model
