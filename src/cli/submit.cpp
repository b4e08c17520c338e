#include "cli/submit.h"

#include <filesystem>

#include "base/text.h"
#include "cli/job_text.h"
#include "cli/session.h"
#include "cli/submit_body.h"
#include "cli/watch_job.h"

namespace ffrtmp::cli {
namespace {

// The end of a watched job; its exit code says whether it was completed.
int finish(Session& session, const Result<Watched>& watched, std::int64_t number) {
  if (!watched) return session.fail(watched.error());
  if (watched->is_interrupted) {
    print_error(cat("interrupted; job ", number, " goes on. See \"ffrtmp jobs status ", number, " --follow\""));
    return kNotCompletedExit;
  }
  const api::Job& job = watched->job.value;
  session.print(watched->job.text, outcome_pairs(job));
  return job.status == model::JobState::kCompleted ? 0 : kNotCompletedExit;
}

int submit(Session& session, const Invocation& invocation) {
  const auto body = make_submit_body(invocation, std::filesystem::current_path().string());
  if (!body) return session.fail(body.error());
  const auto job = session.client().submit(*body, invocation.value("idempotency-key"));
  if (!job) return session.fail(job.error());
  const bool with_log = invocation.has("follow") && !session.is_json();
  const bool waits = invocation.value("wait") == "true" || invocation.value("follow") == "true";
  if (!waits) {
    session.print(job->text, submitted_table(job->value));
    return 0;
  }
  if (!session.is_json()) print_out(submitted_table(job->value));
  return finish(session, watch_job(session, job->value.id.str(), with_log), job->value.sequence_number);
}

}  // namespace

Command submit_command() {
  std::vector<FlagSpec> flags = job_flags();
  flags.push_back({"idempotency-key", config::Kind::kValue, "the same key and job again is the same job (24 h)"});
  flags.push_back({"wait", config::Kind::kSwitch, "show how it goes and what came of it; exit 4 unless it completed"});
  flags.push_back({"follow", config::Kind::kSwitch, "as --wait, with its log"});
  return {"jobs submit", "submit a job", {}, std::move(flags), false, [](const Invocation& invocation) {
            return with_session(invocation, [&](Session& session) { return submit(session, invocation); });
          }};
}

}  // namespace ffrtmp::cli
