#pragma once
// The master's state behind its routes: store, callers, logs, waiting polls. Handlers run on the server's thread; store
// replies and query results come back to it by post().
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/routes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "master/auth.h"
#include "master/call.h"
#include "master/log_store.h"
#include "master/login_limit.h"
#include "master/rate_limit.h"
#include "master/reader_pool.h"
#include "master/waiting.h"
#include "model/requirement.h"
#include "net/seal.h"
#include "net/server.h"
#include "store/store.h"

namespace ffrtmp::master {

struct ServiceSettings {
  store::Intervals intervals;
  int default_max_retries = 3;
  LogLimits log_limits;
  std::string log_dir;  // exists
  std::chrono::hours log_retention{7 * 24};  // of logs that nothing is written to any more
  LoginLimits logins;
  std::string key_file;  // seals stream keys in the store; made when it is missing
  Rate person_rate;  // of each key
  Rate node_rate;    // of each node's token
};

class Service {
 public:
  Service(store::Store& store, const Clock& clock, IdSource& ids, ServiceSettings settings);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Reads keys and nodes, and begins to sweep. `server` must outlive this.
  Status start(net::Server& server);
  // Answers every waiting poll empty-handed. When it returns nothing waits and nothing uses the store any more but the
  // commands that it has taken. Not on the server's thread.
  void stop();

  // Entry of every request.
  void handle(net::Request request, net::Respond respond);

  [[nodiscard]] std::size_t waiting_log_readers() const { return log_waiters_.size(); }  // the server's thread

 private:
  friend struct Routes;
  [[nodiscard]] std::optional<std::chrono::seconds> must_wait(const Call& call, api::Access access,
                                                              const std::optional<Caller>& caller);
  using Handler = void (Service::*)(std::shared_ptr<Call>);

  // jobs (routes_jobs.cpp)
  void submit_job(std::shared_ptr<Call> call);
  void list_jobs(std::shared_ptr<Call> call);
  void get_job(std::shared_ptr<Call> call);
  void list_attempts(std::shared_ptr<Call> call);
  void report_sla(std::shared_ptr<Call> call);
  void cancel_job(std::shared_ptr<Call> call);
  void pause_job(std::shared_ptr<Call> call);
  void resume_job(std::shared_ptr<Call> call);
  void retry_job(std::shared_ptr<Call> call);
  void get_logs(std::shared_ptr<Call> call);
  void control(std::shared_ptr<Call> call, store::ControlJob command);
  void serve_logs(std::shared_ptr<Call> call, BootTime give_up);
  [[nodiscard]] Status check_generation(const model::Parameters& parameters) const;
  [[nodiscard]] Status check_roots(const model::Parameters& parameters) const;
  [[nodiscard]] Status check_outlet(const model::Parameters& parameters) const;

  // nodes (routes_nodes.cpp)
  void register_node(std::shared_ptr<Call> call);
  void list_nodes(std::shared_ptr<Call> call);
  void get_node(std::shared_ptr<Call> call);
  void heartbeat(std::shared_ptr<Call> call);
  void claim(std::shared_ptr<Call> call);
  struct Poll;
  void look(const std::shared_ptr<Poll>& poll);
  void wait_or_answer(const std::shared_ptr<Poll>& poll);
  void answer(const Poll& poll);

  // attempts (routes_attempts.cpp)
  void progress(std::shared_ptr<Call> call);
  void append_log(std::shared_ptr<Call> call);
  void publish(std::shared_ptr<Call> call);
  void result(std::shared_ptr<Call> call);
  void release(std::shared_ptr<Call> call);

  // root (routes_root.cpp)
  void healthz(std::shared_ptr<Call> call);
  void readyz(std::shared_ptr<Call> call);
  void metrics(std::shared_ptr<Call> call);

  // Applies a command; `then` runs on the server's thread with its reply.
  template <class C>
  void apply(C command, std::function<void(Result<typename C::Reply>)> then) {
    store_.apply(store::Command(std::move(command)), [this, then = std::move(then)](Result<store::Reply> reply) {
      server_->post([then, reply = std::move(reply)]() mutable {
        if (!reply) return then(std::move(reply).error());
        then(std::get<typename C::Reply>(std::move(*reply)));
      });
    });
  }

  void on_commit(const store::Effects& effects);  // the writer's thread
  void wake_node(const Uuid& node_id);
  void wake_for_session(const Uuid& node_id);     // an attempt ended there: a job may have waited for its session
  void wake_for(const model::Requirement& need);  // the one waiting claim that fits best: the longest waiting
  void wake_all_claims();                         // something was queued that nobody named; bundled
  void wait_for_log(const Uuid& attempt_id, std::function<void()> look_again);
  void wake_logs(const Uuid& attempt_id);
  void remember_node(const model::Node& node);
  void sweep_later();
  void clean_logs();  // now, and then every hour
  [[nodiscard]] std::optional<std::string> node_name(const std::optional<Uuid>& id) const;

  store::Store& store_;
  const Clock& clock_;
  IdSource& ids_;
  ServiceSettings settings_;
  net::Server* server_ = nullptr;
  std::optional<net::Sealer> sealer_;  // from start() on
  Auth auth_;
  RateLimit person_requests_, node_requests_;  // as the next, the server's thread
  LoginLimit logins_;  // the server's thread
  LogStore logs_;
  ReaderPool pool_{2};
  Waiting waiting_;
  std::unordered_map<Uuid, model::NodeFacts> node_facts_;  // of every registered node; the server's thread
  std::multimap<Uuid, std::shared_ptr<std::function<void()>>> log_waiters_;  // the server's thread
  bool wake_all_pending_ = false;
  std::atomic<bool> started_serving_{false};  // before it every request is answered 503
  std::atomic<bool> stopping_{false};         // set on the server's thread: what it runs later touches no store
  BootTime started_;
  struct Counters;
  std::unique_ptr<Counters> counters_;
};

}  // namespace ffrtmp::master
