#include "tests/e2e/storm/job_stream.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "api/codec.h"
#include "base/text.h"
#include "model/job_fsm.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using model::JobState;

constexpr auto kRequestPatience = 3000ms;
constexpr auto kLookEvery = 60ms;
constexpr int kMostAttempts = 11;  // contract 2.4

bool is_waiting(JobState state) { return state != JobState::kRetrying && !model::is_ended(state); }

}  // namespace

JobStream::JobStream(StreamPlan plan, std::string url, std::string key, std::uint64_t seed, OutputWatch& watch,
                     Findings& findings)
    : plan_(std::move(plan)), random_(seed), watch_(watch), findings_(findings) {
  auto client = net::Client::open({std::move(url), "", true, std::move(key)});
  if (!client) {
    findings_.add(client.error().message);
    return;
  }
  client_ = std::move(*client);
  thread_ = std::thread([this] { loop(); });
}

JobStream::~JobStream() {
  done_ = true;
  if (thread_.joinable()) thread_.join();
}

net::Response JobStream::send(const std::string& method, const std::string& target, const std::string& body,
                              const std::string& idempotency_key) {
  net::Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  if (!idempotency_key.empty()) request.headers.emplace_back("idempotency-key", idempotency_key);
  auto reply = client_->send(request, kRequestPatience);
  return reply ? std::move(*reply) : net::Response{0, "", reply.error().message, {}};
}

void JobStream::loop() {
  for (std::size_t again = 0; !done_; std::this_thread::sleep_for(kLookEvery)) {
    const std::lock_guard lock(mutex_);
    submit_next();
    for (Promise& promise : promises_)
      if (promise.is_promised && !promise.has_ended) follow(promise);
    // One that has ended, each time another: its end stays.
    if (promises_.empty()) continue;
    Promise& ended = promises_[again++ % promises_.size()];
    if (ended.has_ended) follow(ended);
  }
}

void JobStream::submit_next() {
  if (!promises_.empty() && !promises_.back().is_promised) return try_submit();
  if (!submitting_) return;
  const auto waiting =
      std::count_if(promises_.begin(), promises_.end(), [](const Promise& p) { return is_waiting(p.last); });
  if (waiting >= plan_.waiting_jobs) return;
  const std::size_t number = promises_.size();
  const Source& source = plan_.sources[random_() % plan_.sources.size()];
  Promise& promise = promises_.emplace_back();
  promise.output = cat("out-", number, random_() % 4 != 0 ? ".mp4" : ".mkv");
  promise.key = cat("storm-", number);
  const auto kind = random_() % 8;
  promise.kind = kind < 5 ? Kind::kNew : kind < 7 ? Kind::kReplace : Kind::kTaken;
  if (random_() % 10 == 0) promise.cancel_at = Clock::now() + std::chrono::milliseconds(random_() % 2500);
  promise.body = cat("{\"scenario\":\"storm\",\"max_retries\":", random_() % 3, ",\"parameters\":{\"input\":\"",
                     source.path, "\",\"output\":\"", plan_.outputs, "/", promise.output, "\",\"preset\":\"ultrafast\"",
                     promise.kind == Kind::kReplace ? ",\"overwrite\":true" : "", "}}");
  watch_.expect(promise.output, source.whole, promise.kind == Kind::kNew ? "" : plan_.old_content);
  if (promise.kind != Kind::kNew) {
    write_file(plan_.scratch + "/old", plan_.old_content);
    std::filesystem::rename(plan_.scratch + "/old", plan_.outputs + "/" + promise.output);
  }
  try_submit();
}

// Without an answer nobody knows whether the job was taken: the same key asks again until there is one.
void JobStream::try_submit() {
  Promise& promise = promises_.back();
  const net::Response reply = send("POST", "/api/v1/jobs", promise.body, promise.key);
  if (reply.status == 200) ++repeated_;
  if (reply.status == 0 || reply.status >= 500 || reply.status == 429) return;
  const auto job = api::decode<api::Job>(reply.body);
  if ((reply.status != 201 && reply.status != 200) || !job) {
    findings_.add(cat("submit answered ", reply.status, ": ", reply.body));
    promises_.pop_back();
    return;
  }
  promise.is_promised = true;
  promise.number = job->sequence_number;
  promise.id = job->id;
}

std::optional<api::Job> JobStream::fetch(std::int64_t number) {
  const net::Response reply = send("GET", cat("/api/v1/jobs/", number));
  if (reply.status == 404) findings_.add(cat("job ", number, " was promised and is lost"));
  if (reply.status != 200) return std::nullopt;
  auto job = api::decode<api::Job>(reply.body);
  if (!job) return std::nullopt;
  return std::move(*job);
}

void JobStream::follow(Promise& promise) {
  const auto job = fetch(promise.number);
  if (!job) return;
  if (promise.has_ended && job->status != promise.last)
    findings_.add(cat("job ", promise.number, " left its end ", model::state_name(promise.last), " for ",
                      model::state_name(job->status)));
  promise.last = job->status;
  if (!promise.has_ended && model::is_ended(job->status)) note_end(promise, *job);
  if (promise.has_ended || Clock::now() < promise.cancel_at) return;
  const net::Response reply = send("POST", cat("/api/v1/jobs/", promise.number, "/cancel"), "{\"grace_seconds\":1}");
  if (reply.status == 0 || reply.status >= 500) return;
  promise.cancel_at = Clock::time_point::max();
  if (reply.status != 200 && reply.status != 202 && reply.status != 409)
    findings_.add(cat("cancel of job ", promise.number, " answered ", reply.status, ": ", reply.body));
}

void JobStream::note_end(Promise& promise, const api::Job& job) {
  promise.has_ended = true;
  watch_.close(promise.output, job.status == JobState::kCompleted);
  if (promise.kind == Kind::kTaken && job.status == JobState::kCompleted)
    findings_.add(cat("job ", promise.number, " completed onto a file that it may not replace"));
}

bool JobStream::wait_all_ended(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  while (Clock::now() < until) {
    {
      const std::lock_guard lock(mutex_);
      if (std::all_of(promises_.begin(), promises_.end(), [](const Promise& p) { return p.has_ended; })) return true;
    }
    std::this_thread::sleep_for(100ms);
  }
  return false;
}

std::string JobStream::open_jobs() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const Promise& promise : promises_)
    if (!promise.has_ended)
      text += cat("job ", promise.number, promise.is_promised ? " " : " (not promised) ",
                  model::state_name(promise.last), " ", promise.output, "\n");
  return text;
}

void JobStream::judge_end() {
  done_ = true;
  if (thread_.joinable()) thread_.join();
  for (const Promise& promise : promises_) {
    if (!promise.is_promised) continue;
    if (const auto job = fetch(promise.number))
      judge_job(promise, *job);
    else
      findings_.add(cat("job ", promise.number, " cannot be read"));
  }
  judge_count();
}

void JobStream::judge_job(const Promise& promise, const api::Job& job) {
  const auto wrong = [&](const std::string& what) {
    findings_.add(cat("job ", promise.number, " (", promise.output, ") ", what));
  };
  if (job.id != promise.id) wrong("has another id than its promise");
  if (!promise.has_ended || job.status != promise.last)
    wrong(cat("is ", model::state_name(job.status), ", was ", model::state_name(promise.last)));
  if (!job.state_transitions || job.state_transitions->empty()) return wrong("has no history");
  std::optional<JobState> at;
  int ends = 0;
  for (const model::Transition& step : *job.state_transitions) {
    if (step.from != at || !model::is_legal(step.from, step.to))
      wrong(cat("has an illegal step to ", model::state_name(step.to)));
    at = step.to;
    if (model::is_ended(step.to)) ++ends;
  }
  if (ends != 1 || at != job.status) wrong(cat("has ", ends, " ends in its history"));
  const auto attempts = job.attempts ? job.attempts->size() : 0;
  if (attempts > static_cast<std::size_t>(std::min(kMostAttempts, job.max_retries + 1)))
    wrong(cat("had ", attempts, " attempts with ", job.max_retries, " retries"));
  if (job.attempts)
    for (const api::Attempt& attempt : *job.attempts)
      if (attempt.status == model::AttemptState::kLive) wrong("has a live attempt after its end");
}

// No submit made two jobs: as many are listed as were promised.
void JobStream::judge_count() {
  std::size_t listed = 0;
  std::string cursor;
  do {
    const auto page = api::decode<api::JobList>(send("GET", cat("/api/v1/jobs?limit=500", cursor)).body);
    if (!page) return findings_.add("the jobs cannot be listed");
    listed += page->jobs.size();
    cursor = page->next_cursor ? cat("&cursor=", *page->next_cursor) : "";
  } while (!cursor.empty());
  const auto promised =
      std::count_if(promises_.begin(), promises_.end(), [](const Promise& p) { return p.is_promised; });
  if (listed != static_cast<std::size_t>(promised))
    findings_.add(cat(listed, " jobs are listed, ", promised, " were promised"));
}

double JobStream::completed_part() const {
  const std::lock_guard lock(mutex_);
  const auto completed = std::count_if(promises_.begin(), promises_.end(),
                                       [](const Promise& p) { return p.last == JobState::kCompleted; });
  return promises_.empty() ? 0 : static_cast<double>(completed) / static_cast<double>(promises_.size());
}

std::string JobStream::summary() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, int> ends;
  for (const Promise& promise : promises_) ++ends[std::string(model::state_name(promise.last))];
  std::string text = cat(promises_.size(), " jobs (", repeated_, " submits answered only when repeated):");
  for (const auto& [name, count] : ends) text += cat(" ", count, " ", name);
  return text;
}

}  // namespace ffrtmp::test
