#include "launch/report.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstdio>
#include <cstring>

#include "base/text.h"
#include "json/json.h"
#include "sys/fd.h"
#include "sys/file_io.h"

namespace ffrtmp::launch {
namespace {

constexpr suseconds_t kPostWaitUs = 100'000;  // for writing, and again for the answer: 200 ms in all

json::RawJson number_or_null(const std::optional<int>& number) { return {number ? cat(*number) : "null"}; }

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

void post(const std::string& runtime_dir, const std::string& body) {
  const std::string path = runtime_dir + "/watch.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const sys::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  const timeval wait{0, kPostWaitUs};
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  const std::string request = cat("POST /v1/results HTTP/1.1\r\nHost: ffrtmp\r\nContent-Type: application/json\r\n",
                                  "Content-Length: ", body.size(), "\r\nConnection: close\r\n\r\n", body);
  if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return;
  // A server that answers has read it; a close without waiting could take the request back.
  char answer[256];
  (void)!recv(socket.get(), answer, sizeof answer, 0);
}

}  // namespace

void say(std::string_view line) { print(stderr, cat(line, "\n")); }

govern::JobResult make_result(const Job& job, const govern::JobEnd& end, const govern::AttachOutcome& outcome,
                              const std::string& cgroup, const Now& now) {
  govern::JobResult result;
  result.job_id = job.job_id;
  result.pid = job.pid;
  result.mode = job.mode;
  result.start_time = job.start.utc;
  result.end_time = now.utc;
  result.processing_seconds = std::chrono::duration<double>(now.boot - job.start.boot).count();
  result.exit_code = number_or_null(end.exit_code);
  result.signal = number_or_null(end.signal);
  result.governance = outcome.governance;
  result.reason = outcome.reason;
  result.cgroup = cgroup;
  result.limits = outcome.limits;
  result.uncovered_bytes = outcome.uncovered_bytes;
  result.platform_sla_reason = govern::decide_sla(end);
  result.platform_sla_compliant = govern::is_compliant(result.platform_sla_reason);
  result.sla_eligible = job.sla_eligible;
  result.intent = job.intent;
  return result;
}

void say_shortfalls(const govern::AttachOutcome& outcome) {
  for (const govern::LimitReport& report : outcome.limits)
    if (report.status != govern::LimitStatus::kApplied)
      say(cat("Limit ", govern::name_of(report.limit), " is ", govern::name_of(report.status), ": ",
              report.detail.empty() ? cat("wanted ", report.wanted, ", is ", report.observed) : report.detail));
  if (!outcome.reason.empty())
    say(cat("Governance: ", govern::name_of(outcome.governance), " (", outcome.reason,
            outcome.evidence.empty() ? "" : ": ", outcome.evidence, ")"));
  if (outcome.uncovered_bytes > 0)
    say(cat("Memory held before the limit, not covered by it: ", outcome.uncovered_bytes, " bytes"));
}

void say_summary(const govern::JobResult& result) {
  std::string exit = result.exit_code.text;
  if (const auto signal = parse_int(result.signal.text)) exit = cat(128 + *signal);
  say(cat("Job: ", result.job_id));
  say(cat("PID: ", result.pid));
  say(cat("Exit Code: ", exit == "null" ? "unknown" : exit));
  say(cat("Duration: ", format_fixed(result.processing_seconds, 2), "s"));
  say(cat("Platform SLA: ", result.platform_sla_compliant ? "true" : "false", " (",
          json::enum_name(result.platform_sla_reason), ")"));
  say(format_job_line(result));
}

void publish(const govern::JobResult& result, bool as_document, const std::string& runtime_dir) {
  const std::string document = json::encode(result);
  if (as_document) print(stdout, document + "\n");
  post(runtime_dir, document);
}

}  // namespace ffrtmp::launch
