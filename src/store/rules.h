#pragma once
// One function a command; dispatched by apply(). Each checks everything before its first write.
#include "store/apply.h"

namespace ffrtmp::store {

Result<Reply> apply_submit(Tx& tx, ApplyContext& context, const Submit& command);
Result<Reply> apply_claim(Tx& tx, ApplyContext& context, const Claim& command);
Result<Reply> apply_progress(Tx& tx, ApplyContext& context, const ReportProgress& command);
Result<Reply> apply_touch(Tx& tx, ApplyContext& context, const TouchAttempt& command);
Result<Reply> apply_publish(Tx& tx, ApplyContext& context, const Publish& command);
Result<Reply> apply_finish(Tx& tx, ApplyContext& context, const Finish& command);
Result<Reply> apply_release(Tx& tx, ApplyContext& context, const Release& command);
Result<Reply> apply_control(Tx& tx, ApplyContext& context, const ControlJob& command);
Result<Reply> apply_register(Tx& tx, ApplyContext& context, const RegisterNode& command);
Result<Reply> apply_heartbeat(Tx& tx, ApplyContext& context, const Heartbeat& command);
Result<Reply> apply_sweep(Tx& tx, ApplyContext& context, const Sweep& command);

// Marks the node as seen now; its load too, where the message has one. Unknown kNotFound, an older instance
// kSuperseded.
Status note_contact(ApplyContext& context, const Uuid& node_id, const Uuid& instance_id, const NodeLoad* load);
// What the live attempts of a node still have to be told.
[[nodiscard]] std::vector<WorkerCommand> pending_commands(const ApplyContext& context, const Uuid& node_id);
// The command that carries a job's desire to its live attempt; nothing when there is none.
[[nodiscard]] std::optional<WorkerCommand> command_for(const model::JobStatus& job, const Uuid& attempt_id);

}  // namespace ffrtmp::store
