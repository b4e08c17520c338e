#pragma once
// The API as calls: typed requests and replies over one kept connection. One thread uses a client; interrupt() may come
// from another. An error reply of the master comes back as the Error it was there.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/routes.h"
#include "api/sla_report.h"
#include "api/wire.h"
#include "base/result.h"
#include "net/client.h"

namespace ffrtmp::api {

using Query = std::vector<std::pair<std::string, std::string>>;

// Connection and bodies, shared by both clients.
class Caller {
 public:
  // `timeout` is for one call; a call that waits on purpose has its wait added.
  Caller(std::unique_ptr<net::Client> client, std::chrono::milliseconds timeout);

  void interrupt() { client_->interrupt(); }
  void set_bearer(std::string token) { client_->set_bearer(std::move(token)); }

  struct Ask {
    RouteId route;
    std::string id{};
    Query query{};
    std::string body{};
    std::chrono::seconds wait{0};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string content_type = "application/json";
  };
  // The body of a 2xx reply; else the error it tells. `http_status` gets the status when given.
  [[nodiscard]] Result<std::string> send(Ask ask, int* http_status = nullptr);

 private:
  std::unique_ptr<net::Client> client_;
  std::chrono::milliseconds timeout_;
};

// What people do. Replies keep their text, so that `--output json` prints the API's document as it came.
template <class T>
struct Document {
  T value;
  std::string text;
  int status = 200;  // 200, 201 or 202
};

struct LogRequest {
  std::string attempt{};    // UUID; empty: the last one
  std::int64_t offset = 0;  // < 0: from the end
  std::int64_t limit = 1 << 20;
  int wait_seconds = 0;     // 0-30
};

class PersonClient {
 public:
  PersonClient(std::unique_ptr<net::Client> client, std::chrono::milliseconds timeout);
  void interrupt() { caller_.interrupt(); }

  // `body`: a JobSpec as JSON text; the key is empty for none.
  [[nodiscard]] Result<Document<Job>> submit(std::string body, const std::string& idempotency_key);
  [[nodiscard]] Result<Document<JobList>> jobs(const Query& filter);
  [[nodiscard]] Result<Document<Job>> job(const std::string& ref);
  [[nodiscard]] Result<Document<AttemptList>> attempts(const std::string& ref);
  // "from", "to" (RFC 3339), "by" (scenario, queue, classification, reason).
  [[nodiscard]] Result<Document<SlaReport>> sla(const Query& range);
  [[nodiscard]] Result<Document<ControlReply>> cancel(const std::string& ref, const CancelRequest& request);
  [[nodiscard]] Result<Document<ControlReply>> pause(const std::string& ref);
  [[nodiscard]] Result<Document<ControlReply>> resume(const std::string& ref);
  [[nodiscard]] Result<Document<ControlReply>> retry(const std::string& ref);
  [[nodiscard]] Result<Document<LogPage>> logs(const std::string& ref, const LogRequest& request);
  [[nodiscard]] Result<Document<NodeList>> nodes(const Query& filter);
  [[nodiscard]] Result<Document<Node>> node(const std::string& id);

 private:
  Caller caller_;
};

// What a worker does. 2xx or the error; whoever calls decides what to repeat.
class WorkerClient {
 public:
  WorkerClient(std::unique_ptr<net::Client> client, std::chrono::milliseconds timeout);
  void interrupt() { caller_.interrupt(); }
  // The node token, once it is known; before it the API key.
  void set_bearer(std::string token) { caller_.set_bearer(std::move(token)); }

  [[nodiscard]] Result<RegisterReply> register_node(const RegisterRequest& request);
  [[nodiscard]] Result<HeartbeatReply> heartbeat(const Uuid& node_id, const HeartbeatRequest& request);
  [[nodiscard]] Result<ClaimReply> claim(const ClaimRequest& request);
  [[nodiscard]] Result<ProgressReply> progress(const Uuid& attempt_id, const ProgressRequest& request);
  // `after_drop`: the bytes before `offset` are lost for good; without it a hole is kLogGap.
  [[nodiscard]] Result<LogAppendReply> append_log(const Uuid& attempt_id, std::int64_t offset, std::string bytes,
                                                  bool after_drop = false);
  [[nodiscard]] Result<PublishReply> publish(const Uuid& attempt_id, const model::PublishGrant& grant);
  [[nodiscard]] Result<ResultReply> result(const Uuid& attempt_id, const model::AttemptResult& result);
  [[nodiscard]] Result<ResultReply> release(const Uuid& attempt_id, const std::string& reason);

 private:
  Caller caller_;
};

}  // namespace ffrtmp::api
