#pragma once
// Stream keys on their way into the store and out to a worker: sealed at rest, plain only in the claim's reply.
#include "model/job.h"
#include "net/seal.h"

namespace ffrtmp::master {

// Seals the key of a job to be stored, wherever its parameters hold it.
[[nodiscard]] Status seal_stream_key(model::Job& job, const net::Sealer& sealer);
// For the worker that claimed the job. What cannot be unsealed stays as it is: no worker takes it for a key.
void unseal_stream_key(model::Parameters& parameters, const net::Sealer& sealer);

}  // namespace ffrtmp::master
