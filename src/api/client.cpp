#include "api/client.h"

#include "api/codec.h"
#include "base/text.h"

namespace ffrtmp::api {
namespace {

template <class T>
Result<T> call(Caller& caller, Caller::Ask ask) {
  FFRTMP_ASSIGN(const std::string text, caller.send(std::move(ask)));
  auto value = decode<T>(text);
  if (!value) return std::move(value.error()).within("the master's reply");
  return value;
}

template <class T>
Result<Document<T>> call_document(Caller& caller, Caller::Ask ask) {
  Document<T> document;
  FFRTMP_ASSIGN(document.text, caller.send(std::move(ask), &document.status));
  auto value = decode<T>(document.text);
  if (!value) return std::move(value.error()).within("the master's reply");
  document.value = std::move(*value);
  return document;
}

std::string target_of(const Caller::Ask& ask) {
  std::string target = path_of(ask.route, ask.id);
  char mark = '?';
  for (const auto& [name, value] : ask.query) {
    target += cat(mark, net::percent_encode(name), "=", net::percent_encode(value));
    mark = '&';
  }
  return target;
}

}  // namespace

Caller::Caller(std::unique_ptr<net::Client> client, std::chrono::milliseconds timeout)
    : client_(std::move(client)), timeout_(timeout) {}

Result<std::string> Caller::send(Ask ask, int* http_status) {
  net::Request request;
  request.method = route_of(ask.route).method;
  request.target = target_of(ask);
  request.headers = std::move(ask.headers);
  if (!ask.body.empty()) request.headers.emplace_back("content-type", std::move(ask.content_type));
  request.body = std::move(ask.body);
  FFRTMP_ASSIGN(net::Response response, client_->send(request, timeout_ + ask.wait));
  if (http_status != nullptr) *http_status = response.status;
  if (response.status < 200 || response.status > 299) return decode_error(response.status, response.body);
  return std::move(response.body);
}

PersonClient::PersonClient(std::unique_ptr<net::Client> client, std::chrono::milliseconds timeout)
    : caller_(std::move(client), timeout) {}

Result<Document<Job>> PersonClient::submit(std::string body, const std::string& idempotency_key) {
  Caller::Ask ask{.route = RouteId::kSubmitJob, .body = std::move(body)};
  if (!idempotency_key.empty()) ask.headers.emplace_back("idempotency-key", idempotency_key);
  return call_document<Job>(caller_, std::move(ask));
}

Result<Document<JobList>> PersonClient::jobs(const Query& filter) {
  return call_document<JobList>(caller_, {.route = RouteId::kListJobs, .query = filter});
}

Result<Document<Job>> PersonClient::job(const std::string& ref) {
  return call_document<Job>(caller_, {.route = RouteId::kGetJob, .id = ref});
}

Result<Document<AttemptList>> PersonClient::attempts(const std::string& ref) {
  return call_document<AttemptList>(caller_, {.route = RouteId::kListAttempts, .id = ref});
}

Result<Document<SlaReport>> PersonClient::sla(const Query& range) {
  return call_document<SlaReport>(caller_, {.route = RouteId::kSla, .query = range});
}

Result<Document<ControlReply>> PersonClient::cancel(const std::string& ref, const CancelRequest& request) {
  return call_document<ControlReply>(caller_, {.route = RouteId::kCancelJob, .id = ref, .body = encode(request)});
}

Result<Document<ControlReply>> PersonClient::pause(const std::string& ref) {
  return call_document<ControlReply>(caller_, {.route = RouteId::kPauseJob, .id = ref});
}

Result<Document<ControlReply>> PersonClient::resume(const std::string& ref) {
  return call_document<ControlReply>(caller_, {.route = RouteId::kResumeJob, .id = ref});
}

Result<Document<ControlReply>> PersonClient::retry(const std::string& ref) {
  return call_document<ControlReply>(caller_, {.route = RouteId::kRetryJob, .id = ref});
}

Result<Document<LogPage>> PersonClient::logs(const std::string& ref, const LogRequest& request) {
  Caller::Ask ask{.route = RouteId::kGetLogs, .id = ref};
  ask.query = {{"offset", cat(request.offset)}, {"limit", cat(request.limit)}};
  if (!request.attempt.empty()) ask.query.emplace_back("attempt", request.attempt);
  if (request.wait_seconds > 0) ask.query.emplace_back("wait", cat(request.wait_seconds));
  ask.wait = std::chrono::seconds(request.wait_seconds);
  return call_document<LogPage>(caller_, std::move(ask));
}

Result<Document<NodeList>> PersonClient::nodes(const Query& filter) {
  return call_document<NodeList>(caller_, {.route = RouteId::kListNodes, .query = filter});
}

Result<Document<Node>> PersonClient::node(const std::string& id) {
  return call_document<Node>(caller_, {.route = RouteId::kGetNode, .id = id});
}

WorkerClient::WorkerClient(std::unique_ptr<net::Client> client, std::chrono::milliseconds timeout)
    : caller_(std::move(client), timeout) {}

Result<RegisterReply> WorkerClient::register_node(const RegisterRequest& request) {
  return call<RegisterReply>(caller_, {.route = RouteId::kRegisterNode, .body = encode(request)});
}

Result<HeartbeatReply> WorkerClient::heartbeat(const Uuid& node_id, const HeartbeatRequest& request) {
  return call<HeartbeatReply>(caller_, {.route = RouteId::kHeartbeat,
                                        .id = node_id.str(),
                                        .body = encode(request),
                                        .wait = std::chrono::seconds(request.wait)});
}

Result<ClaimReply> WorkerClient::claim(const ClaimRequest& request) {
  return call<ClaimReply>(
      caller_, {.route = RouteId::kClaim, .body = encode(request), .wait = std::chrono::seconds(request.wait)});
}

Result<ProgressReply> WorkerClient::progress(const Uuid& attempt_id, const ProgressRequest& request) {
  return call<ProgressReply>(caller_, {.route = RouteId::kProgress, .id = attempt_id.str(), .body = encode(request)});
}

Result<LogAppendReply> WorkerClient::append_log(const Uuid& attempt_id, std::int64_t offset, std::string bytes,
                                                bool after_drop) {
  Query query{{"offset", cat(offset)}};
  if (after_drop) query.emplace_back("after_drop", "true");
  return call<LogAppendReply>(caller_, {.route = RouteId::kAppendLog,
                                        .id = attempt_id.str(),
                                        .query = std::move(query),
                                        .body = std::move(bytes),
                                        .content_type = "application/octet-stream"});
}

Result<PublishReply> WorkerClient::publish(const Uuid& attempt_id, const model::PublishGrant& grant) {
  return call<PublishReply>(caller_, {.route = RouteId::kPublish, .id = attempt_id.str(), .body = encode(grant)});
}

Result<ResultReply> WorkerClient::result(const Uuid& attempt_id, const model::AttemptResult& result) {
  return call<ResultReply>(caller_, {.route = RouteId::kResult, .id = attempt_id.str(), .body = encode(result)});
}

Result<ResultReply> WorkerClient::release(const Uuid& attempt_id, const std::string& reason) {
  return call<ResultReply>(
      caller_, {.route = RouteId::kRelease, .id = attempt_id.str(), .body = encode(ReleaseRequest{reason})});
}

}  // namespace ffrtmp::api
