#pragma once
// Follows one job to its end, showing how it goes: a bar on a terminal, else a line now and then.
#include <string>

#include "api/client.h"
#include "base/result.h"
#include "cli/session.h"

namespace ffrtmp::cli {

struct Watched {
  api::Document<api::Job> job;  // as last seen
  bool is_interrupted = false;  // Ctrl-C: the job goes on
};

// Polls until the job has ended. A master that does not answer is asked again for the session's timeout. With
// `with_log` its log is printed meanwhile instead of the bar.
[[nodiscard]] Result<Watched> watch_job(Session& session, const std::string& ref, bool with_log);

}  // namespace ffrtmp::cli
