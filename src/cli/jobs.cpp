#include "cli/jobs.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/job_text.h"
#include "cli/log_follower.h"
#include "cli/session.h"
#include "cli/submit.h"
#include "cli/watch_job.h"

namespace ffrtmp::cli {
namespace {

constexpr int kLogWaitSeconds = 2;  // one long poll of --follow; short, so that Ctrl-C is prompt
constexpr std::chrono::milliseconds kLogPause{250};

// Filters of GET /jobs, flag and query name alike but for the dashes.
constexpr std::array<std::string_view, 13> kFilters{
    "status", "queue",          "priority",      "engine",         "classification", "scenario", "node-id",
    "owner",  "failure-reason", "created-after", "created-before", "limit",          "cursor"};

std::vector<FlagSpec> filter_flags() {
  std::vector<FlagSpec> flags;
  for (const auto name : kFilters) {
    const bool is_page = name == "limit" || name == "cursor";
    flags.push_back({std::string(name), config::Kind::kValue,
                     name == "limit"    ? "jobs a page, 1 to 500"
                     : name == "cursor" ? "next_cursor of the page before"
                                        : "only jobs with this value",
                     is_page && name == "limit" ? "50" : ""});
  }
  return flags;
}

api::Query filter_of(const Invocation& invocation) {
  api::Query query;
  for (const auto name : kFilters) {
    std::string key(name);
    for (char& c : key)
      if (c == '-') c = '_';
    if (invocation.has(std::string(name))) query.emplace_back(std::move(key), invocation.value(std::string(name)));
  }
  return query;
}

int list(Session& session, const Invocation& invocation) {
  const auto jobs = session.client().jobs(filter_of(invocation));
  if (!jobs) return session.fail(jobs.error());
  std::string text = jobs_table(jobs->value.jobs);
  if (jobs->value.next_cursor) text += cat("\nmore: --cursor ", *jobs->value.next_cursor, "\n");
  session.print(jobs->text, text);
  return 0;
}

int follow_status(Session& session, const std::string& ref) {
  const auto watched = watch_job(session, ref, false);
  if (!watched) return session.fail(watched.error());
  if (!watched->is_interrupted) session.print(watched->job.text, job_pairs(watched->job.value));
  return 0;
}

int status(Session& session, const Invocation& invocation) {
  const bool follows = invocation.value("follow") == "true";
  if (invocation.positionals.empty()) {
    if (follows) return session.fail(make_error(Errc::kInvalid, "--follow: needs a JOB"));
    return list(session, invocation);
  }
  for (const auto name : kFilters)
    if (invocation.has(std::string(name)))
      return session.fail(make_error(Errc::kInvalid, cat("--", name, ": filters a list, and JOB is given")));
  const std::string& ref = invocation.positionals.front();
  if (follows) return follow_status(session, ref);
  const auto job = session.client().job(ref);
  if (!job) return session.fail(job.error());
  session.print(job->text, job_pairs(job->value));
  return 0;
}

int attempts(Session& session, const std::string& ref) {
  const auto attempts = session.client().attempts(ref);
  if (!attempts) return session.fail(attempts.error());
  session.print(attempts->text, attempts_table(attempts->value.attempts));
  return 0;
}

int sla(Session& session, const Invocation& invocation) {
  api::Query range;
  for (const char* name : {"from", "to", "by"})
    if (invocation.has(name)) range.emplace_back(name, invocation.value(name));
  const auto report = session.client().sla(range);
  if (!report) return session.fail(report.error());
  session.print(report->text, sla_table(report->value));
  return 0;
}

// "Job 7 canceled"; with a live attempt it becomes true once the worker has followed.
std::string control_text(const api::ControlReply& reply, std::string_view done) {
  return cat("Job ", reply.sequence_number, " ", done, reply.desired ? " (as soon as its worker has followed)" : "",
             "\n");
}

using Control = std::function<Result<api::Document<api::ControlReply>>(api::PersonClient&, const std::string&)>;

Command control_command(const char* name, const char* help, std::string done, std::vector<FlagSpec> flags,
                        std::function<Control(const Invocation&)> make) {
  const auto run = [done = std::move(done), make = std::move(make)](const Invocation& invocation) {
    return with_session(invocation, [&](Session& session) {
      const auto reply = make(invocation)(session.client(), invocation.positionals.front());
      if (!reply) return session.fail(reply.error());
      session.print(reply->text, control_text(reply->value, done));
      return 0;
    });
  };
  return {cat("jobs ", name), help, {{"JOB", "number or UUID"}}, std::move(flags), false, run};
}

Control cancel_with(const Invocation& invocation) {
  api::CancelRequest request;
  if (invocation.has("reason")) request.reason = invocation.value("reason");
  // What is no number in the range is refused by the master, which names the field.
  if (invocation.has("grace-seconds"))
    request.grace_seconds =
        static_cast<int>(std::clamp<std::int64_t>(parse_int(invocation.value("grace-seconds")).value_or(-1), -1, 301));
  return [request](api::PersonClient& client, const std::string& ref) { return client.cancel(ref, request); };
}

int follow_log(Session& session, LogFollower& log) {
  const Interrupt interrupt;
  while (!log.is_over() && !interrupt.came()) {
    if (const auto status = log.print_new(kLogWaitSeconds); !status) {
      if (interrupt.came()) break;
      return session.fail(status.error());
    }
    if (!log.is_over()) interrupt.sleep(kLogPause);
  }
  return 0;
}

int print_log(Session& session, const std::string& ref, const std::string& attempt) {
  api::LogRequest request{.attempt = attempt};
  for (;;) {
    const auto page = session.client().logs(ref, request);
    if (!page) return session.fail(page.error());
    print_out(page->value.data);
    // A second page stays with the attempt of the first.
    if (!page->value.attempt.is_nil()) request.attempt = page->value.attempt.str();
    request.offset = page->value.next_offset;
    if (page->value.data.empty() || page->value.eof) return 0;
  }
}

int logs(Session& session, const Invocation& invocation) {
  const std::string& ref = invocation.positionals.front();
  const bool follows = invocation.value("follow") == "true";
  if (session.is_json()) {
    const auto page = session.client().logs(ref, {.attempt = invocation.value("attempt")});
    if (!page) return session.fail(page.error());
    session.print(page->text, "");
    return 0;
  }
  if (!follows && !invocation.has("tail")) return print_log(session, ref, invocation.value("attempt"));
  LogFollower log(session.client(), ref, invocation.value("attempt"));
  if (invocation.has("tail")) {
    const auto lines = parse_int(invocation.value("tail"));
    if (!lines || *lines < 0 || *lines > 1'000'000) {
      print_error("--tail: must be a number of lines");
      return kUsageExit;
    }
    if (const auto status = log.start_at_tail(static_cast<int>(*lines)); !status) return session.fail(status.error());
  }
  return follows ? follow_log(session, log) : 0;
}

template <class Run>
std::function<int(const Invocation&)> in_session(Run run) {
  return [run](const Invocation& invocation) {
    return with_session(invocation, [&](Session& session) { return run(session, invocation); });
  };
}

}  // namespace

std::vector<Command> jobs_commands() {
  using config::Kind;
  std::vector<FlagSpec> status_flags = filter_flags();
  status_flags.push_back({"follow", Kind::kSwitch, "show how it goes until it has ended"});
  const std::vector<FlagSpec> log_flags{{"follow", Kind::kSwitch, "go on until the job has ended"},
                                        {"attempt", Kind::kValue, "UUID of an attempt; the last one when not given"},
                                        {"tail", Kind::kValue, "begin with the last so many lines"}};
  const std::vector<FlagSpec> cancel_flags{{"reason", Kind::kValue, "kept with the job"},
                                           {"grace-seconds", Kind::kValue, "from SIGTERM to SIGKILL, 0 to 300", "10"}};
  const std::vector<FlagSpec> sla_flags{
      {"from", Kind::kValue, "jobs that ended at this time or later, RFC 3339"},
      {"to", Kind::kValue, "and before this one"},
      {"by", Kind::kValue, "scenario, queue, classification or reason", "scenario"}};
  const PositionalSpec job{"JOB", "number or UUID"};
  const auto simple = [](auto method) {
    return [method](const Invocation&) -> Control {
      return [method](api::PersonClient& client, const std::string& ref) { return (client.*method)(ref); };
    };
  };
  return {
      submit_command(),
      {"jobs list", "the jobs, newest first", {}, filter_flags(), false, in_session(list)},
      {"jobs status",
       "one job, or as list",
       {{"JOB", "number or UUID", false}},
       status_flags,
       false,
       in_session(status)},
      {"jobs logs", "what the engine said", {job}, log_flags, false, in_session(logs)},
      control_command("cancel", "end a job", "canceled", cancel_flags, cancel_with),
      control_command("pause", "freeze a job", "paused", {}, simple(&api::PersonClient::pause)),
      control_command("resume", "let a paused job go on", "resumed", {}, simple(&api::PersonClient::resume)),
      control_command("retry", "queue an ended job again", "retried", {}, simple(&api::PersonClient::retry)),
      {"jobs attempts", "every start of a job", {job}, {}, false, in_session([](Session& session, const Invocation& i) {
         return attempts(session, i.positionals.front());
       })},
      {"jobs sla", "how the platform kept its promise to the jobs that ended", {}, sla_flags, false, in_session(sla)},
  };
}

}  // namespace ffrtmp::cli
