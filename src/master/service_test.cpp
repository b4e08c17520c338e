// The master's routes over a real server and a store in memory: who may do what, what waits and what wakes it.
#include "master/service.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>

#include "api/client.h"
#include "api/codec.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/text.h"
#include "net/client.h"
#include "net/digest.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::master {
namespace {

using namespace std::chrono_literals;

constexpr const char* kKey = "ffk_test";
constexpr const char* kJob = R"({"scenario":"x","parameters":{"input":"/media/a.mkv","output":"/media/b.mp4"}})";

class MasterRoutes : public testing::Test {
 protected:
  void SetUp() override { open({.failures = 0}); }
  void open(const LoginLimits& logins, const Rate& person_rate = {}) {
    log::configure("test", log::Level::kError, log::Format::kText);
    store_ = store::open_memory_store({}, clock_, ids_);
    ServiceSettings settings;
    settings.log_dir = dir_.path();
    settings.key_file = dir_ / "secrets.key";
    settings.logins = logins;
    settings.person_rate = person_rate;
    service_ = std::make_unique<Service>(*store_, clock_, ids_, settings);
    net::ServerOptions options;
    options.body_limit = api::max_body;
    auto server = net::Server::start(std::move(options), [this](net::Request request, net::Respond respond) {
      service_->handle(std::move(request), std::move(respond));
    });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    store::CreateKey create;
    create.key = {"k1", "ann", "admin", net::sha256_hex(kKey), clock_.now().utc};
    ASSERT_TRUE(store_->apply_wait(create));
  }
  void TearDown() override {
    if (server_) server_->stop_accepting();
    service_->stop();
    store_.reset();
    server_.reset();
    service_.reset();
  }
  void start() {
    ASSERT_TRUE(service_->start(*server_));
    while (http("GET", "/healthz").status != 200) std::this_thread::sleep_for(1ms);
  }

  std::unique_ptr<net::Client> connect(const std::string& secret) {
    return *net::Client::open({cat("http://127.0.0.1:", server_->port()), "", true, secret});
  }
  net::Response http(std::string method, std::string target, std::string body = "", const std::string& secret = kKey,
                     std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers = std::move(headers);
    auto reply = connect(secret)->send(request, 60s);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::Response{};
  }
  static std::string field_of(const net::Response& reply) {
    auto body = api::decode<api::ErrorReply>(reply.body);
    return body ? body->error.field.value_or("") : "none";
  }

  struct Worker {
    Uuid node;
    Uuid instance;
    std::string token;
    std::unique_ptr<api::WorkerClient> client;
  };
  static model::Encoder usable_encoder(std::string name) {
    model::Encoder encoder;
    encoder.name = std::move(name);
    encoder.codec = "h264";
    encoder.usable = true;
    return encoder;
  }
  Worker add_worker(int slots = 1, bool generates_input = false,
                    std::vector<model::Encoder> encoders = {usable_encoder("libx264")},
                    std::optional<Uuid> known = std::nullopt) {
    Worker worker;
    worker.client = std::make_unique<api::WorkerClient>(connect(kKey), 10s);
    api::RegisterRequest request;
    request.node_id = known;
    request.name = "box";
    request.cpu_threads = 4;
    request.engines = {{"ffmpeg", "5.1"}};
    request.encoders = std::move(encoders);
    request.slots = slots;
    request.instance_id = worker.instance = ids_.next(clock_.now().utc);
    request.boot_id = "boot";
    request.roots = {"/media"};
    request.generates_input = generates_input;
    auto reply = worker.client->register_node(request);
    EXPECT_TRUE(reply) << reply.error().message;
    worker.node = reply->node.id;
    worker.token = reply->token.value_or("");
    worker.client->set_bearer(worker.token);
    return worker;
  }
  api::ClaimRequest claim_of(const Worker& worker, int wait, int slots = 1) {
    api::ClaimRequest request;
    request.claim_id = ids_.next(clock_.now().utc);
    request.node_id = worker.node;
    request.instance_id = worker.instance;
    request.slots = slots;
    request.wait = wait;
    return request;
  }

  test::TempDir dir_;
  SystemClock clock_;
  RandomIds ids_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(MasterRoutes, BeforeTheStartNothingIsAnswered) {
  EXPECT_EQ(http("GET", "/healthz").status, 503);
  EXPECT_EQ(http("POST", "/api/v1/jobs", kJob).status, 503);
  start();
  EXPECT_EQ(http("GET", "/api/v1/jobs").status, 200);
}

TEST_F(MasterRoutes, EachRouteLetsInWhomItShould) {
  start();
  const Worker worker = add_worker();
  const std::string nil = Uuid{}.str();
  for (const api::Route& route : api::kRoutes) {
    const std::string path = api::path_of(route.id, nil);
    const auto status = [&](const std::string& secret) {
      return http(std::string(route.method), path, route.method == "POST" ? "{" : "", secret).status;
    };
    const int nobody = status("");
    const int guesser = status("ffk_wrong");
    const int person = status(kKey);
    const int node = status(worker.token);
    switch (route.access) {
      case api::Access::kOpen:
        EXPECT_EQ(nobody, 200) << path;
        EXPECT_EQ(guesser, 200) << path;
        break;
      case api::Access::kPerson:
        EXPECT_EQ(nobody, 401) << path;
        EXPECT_EQ(guesser, 401) << path;
        EXPECT_EQ(node, 403) << path;
        EXPECT_NE(person, 401) << path;
        EXPECT_NE(person, 403) << path;
        break;
      case api::Access::kNode:
        EXPECT_EQ(nobody, 401) << path;
        EXPECT_EQ(guesser, 401) << path;
        EXPECT_EQ(person, 403) << path;
        EXPECT_NE(node, 401) << path;
        break;
      case api::Access::kNodeOrPerson:
        EXPECT_EQ(nobody, 401) << path;
        EXPECT_EQ(guesser, 401) << path;
        EXPECT_EQ(person, 400) << path << ": let in, and the body is broken";
        EXPECT_EQ(node, 400) << path;
        break;
    }
  }
}

TEST_F(MasterRoutes, APeerThatGuessesKeysHasToWait) {
  TearDown();
  open({.failures = 3});
  start();
  Worker worker = add_worker();
  const auto try_key = [&](const std::string& secret) { return http("GET", "/api/v1/jobs", "", secret); };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(try_key("").status, 401) << "without a key nothing was guessed";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(try_key(cat("ffk_", i)).status, 401);
  const auto refused = try_key("ffk_3");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(api::decode<api::ErrorReply>(refused.body)->error.code, "too_many_requests");
  const auto header = std::find_if(refused.headers.begin(), refused.headers.end(),
                                   [](const auto& field) { return field.first == "retry-after"; });
  ASSERT_NE(header, refused.headers.end());
  const auto seconds = parse_int(header->second);
  ASSERT_TRUE(seconds) << header->second;
  EXPECT_GE(*seconds, 1);
  EXPECT_LE(*seconds, 60);
  EXPECT_EQ(try_key(kKey).status, 429) << "else the limit would not slow a guesser down";
  api::HeartbeatRequest beat;
  beat.instance_id = worker.instance;
  EXPECT_TRUE(worker.client->heartbeat(worker.node, beat)) << "jobs go on";
  EXPECT_EQ(http("GET", "/readyz", "", "ffk_4").status, 200);
}

TEST_F(MasterRoutes, AWrongKeyNowAndThenIsForgiven) {
  TearDown();
  open({.failures = 3, .window = 1s});
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(http("GET", "/api/v1/jobs", "", "ffk_wrong").status, 401);
  EXPECT_EQ(http("GET", "/api/v1/jobs").status, 429);
  std::this_thread::sleep_for(1100ms);
  EXPECT_EQ(http("GET", "/api/v1/jobs").status, 200);
}

TEST_F(MasterRoutes, NodesAreListedAsAsked) {
  start();
  const Worker a = add_worker();
  std::this_thread::sleep_for(2ms);  // ids tell milliseconds apart
  const Worker b = add_worker();
  EXPECT_EQ(field_of(http("GET", "/api/v1/nodes?colour=red")), "colour");
  EXPECT_EQ(field_of(http("GET", "/api/v1/nodes/" + a.node.str() + "?full=1")), "full");
  const auto first = api::decode<api::NodeList>(http("GET", "/api/v1/nodes?status=available&limit=1").body);
  ASSERT_TRUE(first && first->nodes.size() == 1U && first->next_cursor);
  EXPECT_EQ(first->nodes[0].id, b.node) << "newest first";
  const auto second =
      api::decode<api::NodeList>(http("GET", "/api/v1/nodes?limit=1&cursor=" + *first->next_cursor).body);
  ASSERT_TRUE(second && second->nodes.size() == 1U);
  EXPECT_EQ(second->nodes[0].id, a.node);
  EXPECT_FALSE(second->next_cursor);
  EXPECT_EQ(api::decode<api::NodeList>(http("GET", "/api/v1/nodes?type=laptop").body)->count, 0);
}

TEST_F(MasterRoutes, ANodeActsForItselfAlone) {
  start();
  Worker a = add_worker();
  Worker b = add_worker();
  ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  const auto claimed = a.client->claim(claim_of(a, 5));
  ASSERT_TRUE(claimed) << claimed.error().message;
  ASSERT_EQ(claimed->claims.size(), 1U);
  const Uuid attempt = claimed->claims[0].attempt.id;
  EXPECT_EQ(b.client->progress(attempt, {}).error().code, Errc::kForbidden);
  EXPECT_EQ(b.client->append_log(attempt, 0, "x").error().code, Errc::kForbidden);
  EXPECT_EQ(b.client->result(attempt, {}).error().code, Errc::kForbidden);
  EXPECT_EQ(b.client->release(attempt, "").error().code, Errc::kForbidden);
  EXPECT_EQ(b.client->publish(attempt, {"/media/b.mp4", 1, "00"}).error().code, Errc::kForbidden);
  EXPECT_EQ(b.client->heartbeat(a.node, {}).error().code, Errc::kForbidden);
  EXPECT_EQ(b.client->claim(claim_of(a, 0)).error().code, Errc::kForbidden);
  api::RegisterRequest theirs;
  theirs.node_id = a.node;
  theirs.instance_id = b.instance;
  EXPECT_EQ(b.client->register_node(theirs).error().code, Errc::kForbidden);
  EXPECT_EQ(a.client->progress(ids_.next(clock_.now().utc), {}).error().code, Errc::kNotFound);
  EXPECT_TRUE(a.client->progress(attempt, {})) << "the attempt is untouched";
}

// contract: F4
// A worker whose node.json has lost its token comes with the key again.
TEST_F(MasterRoutes, ANodeWithoutItsTokenGetsOneThatWorks) {
  start();
  const Worker before = add_worker();
  const Worker again = add_worker(1, false, {usable_encoder("libx264")}, before.node);
  EXPECT_EQ(again.node, before.node);
  EXPECT_TRUE(again.client->claim(claim_of(again, 0)));
  EXPECT_EQ(http("POST", "/api/v1/claims", "{", before.token).status, 401)
      << "the former one is worth nothing any more";
}

// contract: F31
TEST_F(MasterRoutes, AFirstRegistrationWhoseAnswerWasLostFindsItsNode) {
  start();
  const Uuid mine = ids_.next(clock_.now().utc);
  EXPECT_EQ(add_worker(1, false, {usable_encoder("libx264")}, mine).node, mine);
  const Worker again = add_worker(1, false, {usable_encoder("libx264")}, mine);
  EXPECT_EQ(again.node, mine);
  EXPECT_TRUE(again.client->claim(claim_of(again, 0)));
  EXPECT_EQ(api::decode<api::NodeList>(http("GET", "/api/v1/nodes").body)->count, 1);
}

// A node's id is no secret: it takes the key, or the node's own token, to speak for it.
TEST_F(MasterRoutes, NobodyTakesANodeOverByItsId) {
  start();
  const Worker victim = add_worker();
  const Worker stranger = add_worker();
  const std::string body = cat(R"({"name":"b","instance_id":")", ids_.next(clock_.now().utc).str(),
                               R"(","slots":1,"node_id":")", victim.node.str(), R"("})");
  EXPECT_EQ(http("POST", "/api/v1/nodes/register", body, stranger.token).status, 403);
  EXPECT_EQ(http("POST", "/api/v1/nodes/register", body, "").status, 401);
  EXPECT_EQ(http("POST", "/api/v1/nodes/register", body, "ffn_guessed").status, 401);
  EXPECT_TRUE(victim.client->claim(claim_of(victim, 0))) << "neither its token nor its instance has changed";
  EXPECT_EQ(http("POST", "/api/v1/nodes/register", body).status, 200) << "the key may";
}

TEST_F(MasterRoutes, TheSameJobAgainIsNotCreatedAgain) {
  start();
  const auto first = http("POST", "/api/v1/jobs", kJob, kKey, {{"idempotency-key", "k"}});
  const auto again = http("POST", "/api/v1/jobs", kJob, kKey, {{"idempotency-key", "k"}});
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(api::decode<api::Job>(first.body)->id, api::decode<api::Job>(again.body)->id);
  EXPECT_EQ(field_of(http("POST", "/api/v1/jobs", kJob, kKey, {{"idempotency-key", std::string(129, 'k')}})),
            "Idempotency-Key");
  EXPECT_EQ(http("POST", "/api/v1/jobs", kJob, kKey, {{"idempotency-key", std::string(128, 'k')}}).status, 201);
}

// contract: F9
TEST_F(MasterRoutes, ALostAnswerToAClaimIsGivenAgain) {
  start();
  Worker worker = add_worker(2);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  const auto request = claim_of(worker, 0, 2);
  const auto first = worker.client->claim(request);
  const auto again = worker.client->claim(request);
  ASSERT_TRUE(first && again);
  ASSERT_EQ(first->claims.size(), 2U);
  ASSERT_EQ(again->claims.size(), 2U);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(first->claims[i].attempt.id, again->claims[i].attempt.id);
}

// contract: F46
TEST_F(MasterRoutes, AStreamKeyIsSealedInTheStoreAndPlainForItsWorker) {
  start();
  Worker worker = add_worker();
  const auto reply = http("POST", "/api/v1/jobs", R"({"scenario":"x","parameters":{"input":"/media/a.mkv","output_mode":"rtmp",
      "rtmp_url":"rtmp://live.example/app/hunter2","stream_key":"hunter2"}})");
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.body.find("hunter2"), std::string::npos) << reply.body;
  const auto stored = store_->job(store::JobRef{std::int64_t{1}});
  ASSERT_TRUE(stored && *stored);
  const model::Job& job = (*stored)->view.job;
  EXPECT_TRUE(job.effective.stream_key.value_or("").starts_with("sealed:"));
  EXPECT_EQ(job.effective.rtmp_url, "rtmp://live.example/app");
  EXPECT_EQ(job.spec.parameters.at("stream_key").values.front(), job.effective.stream_key);
  EXPECT_EQ(job.spec.parameters.at("rtmp_url").values.front(), "rtmp://live.example/app");
  const auto claimed = worker.client->claim(claim_of(worker, 5));
  ASSERT_TRUE(claimed && claimed->claims.size() == 1U);
  EXPECT_EQ(claimed->claims[0].job.parameters.stream_key, "hunter2");
  EXPECT_EQ(http("GET", "/api/v1/jobs/1").body.find("hunter2"), std::string::npos);
}

// contract: F44
TEST_F(MasterRoutes, ALiveOutputToAHostThatNoWorkerListsIsRefused) {
  start();
  const auto submit = [&](const char* url) {
    return http("POST", "/api/v1/jobs",
                cat(R"({"scenario":"x","parameters":{"input":"/media/a.mkv","output_mode":"rtmp","rtmp_url":")", url, R"("}})"));
  };
  EXPECT_EQ(submit("rtmp://127.0.0.1/live/x").status, 201) << "no node is known yet: it waits";
  add_worker();
  EXPECT_EQ(field_of(submit("rtmp://127.0.0.1/live/x")), "parameters.rtmp_url");
  EXPECT_EQ(submit("rtmp://live.example/live/x").status, 201);
}

// contract: F11, F12
TEST_F(MasterRoutes, AnEndedAttemptChangesNothing) {
  start();
  Worker worker = add_worker();
  ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  const auto old = worker.client->claim(claim_of(worker, 5));
  ASSERT_TRUE(old && old->claims.size() == 1U);
  const Uuid attempt = old->claims[0].attempt.id;
  ASSERT_TRUE(worker.client->append_log(attempt, 0, "one\n"));
  ASSERT_TRUE(worker.client->release(attempt, "test"));
  EXPECT_EQ(worker.client->progress(attempt, {}).error().code, Errc::kStaleAttempt);
  EXPECT_EQ(worker.client->append_log(attempt, 4, "two\n").error().code, Errc::kStaleAttempt);
  EXPECT_EQ(worker.client->publish(attempt, {"/media/b.mp4", 1, "00"}).error().code, Errc::kStaleAttempt);
  EXPECT_EQ(worker.client->result(attempt, {}).error().code, Errc::kStaleAttempt);
  const auto job = api::decode<api::Job>(http("GET", "/api/v1/jobs/1").body);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->status, model::JobState::kQueued);
  EXPECT_EQ(api::decode<api::LogPage>(http("GET", "/api/v1/jobs/1/logs").body)->data, "one\n");

  const auto current = worker.client->claim(claim_of(worker, 5));
  ASSERT_TRUE(current && current->claims.size() == 1U);
  const Uuid now = current->claims[0].attempt.id;
  EXPECT_EQ(http("POST", "/api/v1/attempts/" + now.str() + "/result", R"({"status":"banana"})", worker.token).status,
            422);
  model::AttemptResult result;
  result.result_id = ids_.next(clock_.now().utc);
  result.status = model::ResultStatus::kFailed;
  result.failure_reason = model::FailureReason::kUserError;
  const auto first = worker.client->result(now, result);
  ASSERT_TRUE(first) << first.error().message;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(worker.client->result(now, result)->job_status, first->job_status);
  result.result_id = ids_.next(clock_.now().utc);
  EXPECT_EQ(worker.client->result(now, result).error().code, Errc::kResultConflict);
}

TEST_F(MasterRoutes, ASubmitWakesAWaitingClaim) {
  start();
  Worker worker = add_worker();
  auto waiting = std::async(std::launch::async, [&] { return worker.client->claim(claim_of(worker, 30)); });
  EXPECT_EQ(waiting.wait_for(200ms), std::future_status::timeout) << "without work it waits";
  ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  ASSERT_EQ(waiting.wait_for(5s), std::future_status::ready);
  const auto reply = waiting.get();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->claims.size(), 1U);
}

// contract: F21
TEST_F(MasterRoutes, AClaimWhoseWorkerHasGoneGetsNothing) {
  start();
  Worker dead = add_worker();
  auto lost = std::async(std::launch::async, [&] { return dead.client->claim(claim_of(dead, 30)); });
  std::this_thread::sleep_for(200ms);
  dead.client->interrupt();
  EXPECT_FALSE(lost.get());
  std::this_thread::sleep_for(200ms);
  Worker living = add_worker();
  auto waiting = std::async(std::launch::async, [&] { return living.client->claim(claim_of(living, 30)); });
  std::this_thread::sleep_for(200ms);
  ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  ASSERT_EQ(waiting.wait_for(5s), std::future_status::ready) << "it went to a worker that nobody reaches";
  const auto reply = waiting.get();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->claims.size(), 1U);
}

TEST_F(MasterRoutes, ACommandEndsAHeartbeatsWait) {
  start();
  Worker worker = add_worker();
  ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  const auto claimed = worker.client->claim(claim_of(worker, 5));
  ASSERT_TRUE(claimed && claimed->claims.size() == 1U);
  api::HeartbeatRequest request;
  request.instance_id = worker.instance;
  request.wait = 30;
  request.attempts = {{claimed->claims[0].attempt.id, model::Phase::kRunning, std::nullopt}};
  auto waiting = std::async(std::launch::async, [&] { return worker.client->heartbeat(worker.node, request); });
  EXPECT_EQ(waiting.wait_for(200ms), std::future_status::timeout);
  EXPECT_EQ(http("POST", "/api/v1/jobs/1/cancel").status, 202);
  ASSERT_EQ(waiting.wait_for(2s), std::future_status::ready);
  const auto reply = waiting.get();
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_EQ(reply->commands.size(), 1U);
  EXPECT_EQ(reply->commands[0].action, "cancel");
  EXPECT_EQ(reply->leases.size(), 1U);
}

// Slots are free all the time: nothing but the end of the first job lets the second begin.
TEST_F(MasterRoutes, ASessionThatIsGivenBackWakesAClaim) {
  start();
  model::Encoder nvenc = usable_encoder("h264_nvenc");
  nvenc.hardware = true;
  nvenc.sessions = 1;
  Worker worker = add_worker(4, false, {nvenc});
  for (int i = 0; i < 2; ++i) ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  const auto first = worker.client->claim(claim_of(worker, 5, 4));
  ASSERT_TRUE(first && first->claims.size() == 1U);
  EXPECT_EQ(first->claims[0].attempt.session_device, "nvidia 0");
  api::WorkerClient other(connect(worker.token), 30s);
  auto waiting = std::async(std::launch::async, [&] { return other.claim(claim_of(worker, 20, 3)); });
  EXPECT_EQ(waiting.wait_for(300ms), std::future_status::timeout);
  model::AttemptResult result;
  result.result_id = ids_.next(clock_.now().utc);
  result.status = model::ResultStatus::kCompleted;
  ASSERT_TRUE(worker.client->result(first->claims[0].attempt.id, result));
  ASSERT_EQ(waiting.wait_for(10s), std::future_status::ready);
  const auto second = waiting.get();
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_EQ(second->claims.size(), 1U);
  EXPECT_EQ(second->claims[0].job.sequence_number, 2);
}

TEST_F(MasterRoutes, AReaderOfALogIsWokenByIt) {
  start();
  Worker worker = add_worker();
  ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  const auto claimed = worker.client->claim(claim_of(worker, 5));
  ASSERT_TRUE(claimed && claimed->claims.size() == 1U);
  const Uuid attempt = claimed->claims[0].attempt.id;
  auto waiting = std::async(std::launch::async, [&] { return http("GET", "/api/v1/jobs/1/logs?wait=20"); });
  EXPECT_EQ(waiting.wait_for(300ms), std::future_status::timeout);
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(worker.client->append_log(attempt, 0, "hello\n"));
  const auto page = api::decode<api::LogPage>(waiting.get().body);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s) << "--follow is at most 2 s behind";
  ASSERT_TRUE(page);
  EXPECT_EQ(page->data, "hello\n");
  EXPECT_FALSE(page->eof);
  EXPECT_EQ(worker.client->append_log(attempt, 99, "x").error().code, Errc::kLogGap);
  EXPECT_TRUE(worker.client->append_log(attempt, 99, "x", true));
}

TEST_F(MasterRoutes, LogsPastTheirRetentionGo) {
  const std::string old = cat(dir_.path(), "/", ids_.next(clock_.now().utc).str(), ".log");
  const std::string recent = cat(dir_.path(), "/", ids_.next(clock_.now().utc).str(), ".log");
  for (const std::string& path : {old, recent}) test::write_file(path, "x");
  const auto days_ago = [](int days) {
    return std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * days);
  };
  std::filesystem::last_write_time(old, days_ago(8));
  std::filesystem::last_write_time(recent, days_ago(6));
  start();
  EXPECT_TRUE(test::eventually([&] { return !std::filesystem::exists(old); }, 10s));
  EXPECT_TRUE(std::filesystem::exists(recent));
}

TEST_F(MasterRoutes, WaitingReadersOfAQuietLogAreForgotten) {
  start();
  Worker worker = add_worker();
  ASSERT_EQ(http("POST", "/api/v1/jobs", kJob).status, 201);
  ASSERT_TRUE(worker.client->claim(claim_of(worker, 5)));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(http("GET", "/api/v1/jobs/1/logs?wait=2").status, 200);
  std::promise<std::size_t> held;
  server_->post([&] { held.set_value(service_->waiting_log_readers()); });
  EXPECT_EQ(held.get_future().get(), 0U);
}

TEST_F(MasterRoutes, AStopEndsEveryWait) {
  start();
  Worker worker = add_worker();
  auto waiting = std::async(std::launch::async, [&] { return worker.client->claim(claim_of(worker, 30)); });
  EXPECT_EQ(waiting.wait_for(200ms), std::future_status::timeout);
  service_->stop();
  ASSERT_EQ(waiting.wait_for(5s), std::future_status::ready);
  const auto reply = waiting.get();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_TRUE(reply->claims.empty());
}

// Readers and writers that are under way while the master stops get an answer or a closed connection, never a store
// that is gone.
TEST_F(MasterRoutes, AStopUnderLoadIsClean) {
  start();
  std::atomic<bool> done{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&, i] {
      auto client = connect(kKey);
      net::Request request;
      if (i % 2 == 0)
        request.target = "/api/v1/jobs";
      else
        request.target = "/readyz";
      while (!done) {
        const auto reply = client->send(request, 5s);
        if (!reply) return;
        if (reply->status == 200) ++answered;
      }
    });
  ASSERT_TRUE(test::eventually([&] { return answered >= 40; }, 20s)) << "there is load";
  TearDown();
  done = true;
  for (auto& caller : callers) caller.join();
  SetUp();
}

TEST_F(MasterRoutes, BodiesOutOfRangeNameTheField) {
  start();
  const Worker worker = add_worker();
  const std::string node = "/api/v1/nodes/" + worker.node.str() + "/heartbeat";
  const std::string id = Uuid{}.str();
  const auto register_body = [&](const std::string& rest) {
    return cat(R"({"name":"b","instance_id":"01890000-0000-7000-8000-000000000001",)", rest, "}");
  };
  EXPECT_EQ(field_of(http("POST", "/api/v1/nodes/register", register_body(R"("slots":0)"))), "slots");
  EXPECT_EQ(field_of(http("POST", "/api/v1/nodes/register", register_body(R"("slots":65)"))), "slots");
  EXPECT_EQ(field_of(http("POST", "/api/v1/nodes/register", R"({"name":"b","slots":1})")), "instance_id");
  EXPECT_EQ(field_of(http("POST", "/api/v1/nodes/register",
                          register_body(R"("slots":1,"node_id":"00000000-0000-0000-0000-000000000000")"))),
            "node_id");
  EXPECT_EQ(field_of(http("POST", "/api/v1/nodes/register", register_body(R"("slots":1,"heartbeat_seconds":31)"))),
            "heartbeat_seconds");
  EXPECT_EQ(field_of(http("POST", node, R"({"wait":31})", worker.token)), "wait");
  EXPECT_EQ(field_of(http("POST", node, R"({"wait":-1})", worker.token)), "wait");
  EXPECT_EQ(field_of(http("POST", "/api/v1/claims", R"({"slots":0})", worker.token)), "slots");
  EXPECT_EQ(field_of(http("POST", "/api/v1/claims", R"({"slots":65})", worker.token)), "slots");
  EXPECT_EQ(field_of(http("POST", "/api/v1/claims", R"({"slots":1})", worker.token)), "claim_id");
  EXPECT_EQ(field_of(http("POST", "/api/v1/attempts/" + id + "/logs", "x", worker.token)), "offset");
  EXPECT_EQ(field_of(http("POST", "/api/v1/attempts/" + id + "/logs?offset=-1", "x", worker.token)), "offset");
  EXPECT_EQ(field_of(http("GET", "/api/v1/jobs/1/logs?wait=31")), "wait");
  EXPECT_EQ(field_of(http("POST", "/api/v1/jobs/1/cancel", R"({"grace_seconds":301})")), "grace_seconds");
  EXPECT_EQ(field_of(http("POST", "/api/v1/jobs/1/cancel", R"({"grace":1})")), "grace");
  EXPECT_EQ(http("POST", "/api/v1/attempts/12/progress", "{}", worker.token).status, 400);
}

// contract: F44
TEST_F(MasterRoutes, PathsOutsideTheAnnouncedRootsAreRefused) {
  start();
  EXPECT_EQ(http("POST", "/api/v1/jobs", R"({"scenario":"x","parameters":{"input":"/etc/shadow"}})").status, 201)
      << "without any node the roots are not known yet";
  (void)add_worker();
  for (const char* path : {"/etc/shadow", "/media", "/media2/a", "/mediaa"}) {
    const auto reply = http("POST", "/api/v1/jobs", cat(R"({"scenario":"x","parameters":{"input":")", path, R"("}})"));
    EXPECT_EQ(reply.status, 422) << path;
    EXPECT_EQ(field_of(reply), "parameters.input") << path;
    EXPECT_NE(reply.body.find("outside the allowed directories: /media"), std::string::npos) << reply.body;
  }
  EXPECT_EQ(field_of(http("POST", "/api/v1/jobs",
                          R"({"scenario":"x","parameters":{"input":"/media/a","output":"/tmp/b.mp4"}})")),
            "parameters.output");
}

TEST_F(MasterRoutes, AJobWithoutInputWaitsForANodeThatMakesOne) {
  start();
  const std::string body = R"({"scenario":"x","parameters":{"duration":3}})";
  EXPECT_EQ(http("POST", "/api/v1/jobs", body).status, 201) << "without any node nothing is known yet";
  const Worker plain = add_worker();
  const auto refused = http("POST", "/api/v1/jobs", body);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(field_of(refused), "parameters.input");
  EXPECT_TRUE(plain.client->claim(claim_of(plain, 0))->claims.empty()) << "it waits on";
  const Worker maker = add_worker(1, true);
  EXPECT_EQ(http("POST", "/api/v1/jobs", body).status, 201);
  const auto claimed = maker.client->claim(claim_of(maker, 0));
  ASSERT_TRUE(claimed && claimed->claims.size() == 1);
  const model::Parameters& p = claimed->claims[0].job.parameters;
  EXPECT_FALSE(p.input);
  EXPECT_EQ(p.duration_seconds, 3);
  EXPECT_EQ(p.width, 1280);
  EXPECT_EQ(p.fps, 30);
}

TEST_F(MasterRoutes, LimitsOfAJobAreTakenAndCheckedByLine) {
  start();
  const auto submit = [&](const std::string& limits) {
    return http("POST", "/api/v1/jobs",
                cat(R"({"scenario":"x","parameters":{"input":"/media/a"},"resource_limits":{)", limits, "}}"));
  };
  EXPECT_EQ(submit(R"("max_cpu_percent":50,"max_memory_mb":512,"cpu_weight":100,"pids_max":64,"io_max":"8:0 rbps=9 wiops=max")")
                .status,
            201);
  for (const char* line : {"8:0", "8:0 bps=1", "8:0 rbps=-1", "sda rbps=1", ""}) {
    const auto reply = submit(cat(R"("io_max":")", line, "\""));
    EXPECT_EQ(reply.status, 422) << line;
    EXPECT_EQ(field_of(reply), "resource_limits.io_max") << line;
  }
}

TEST_F(MasterRoutes, TheSlaReportChecksItsQuery) {
  start();
  const auto empty = http("GET", "/api/v1/sla");
  EXPECT_EQ(empty.status, 200);
  EXPECT_NE(empty.body.find(R"("by":"scenario","total":{"name":"total","jobs":0)"), std::string::npos) << empty.body;
  EXPECT_EQ(field_of(http("GET", "/api/v1/sla?by=owner")), "by");
  EXPECT_EQ(field_of(http("GET", "/api/v1/sla?from=yesterday")), "from");
  EXPECT_EQ(field_of(http("GET", "/api/v1/sla?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z")), "to");
  EXPECT_EQ(field_of(http("GET", "/api/v1/sla?since=1")), "since");
}

TEST_F(MasterRoutes, AKeyThatAsksTooOftenIsToldWhenToComeBack) {
  TearDown();
  open({.failures = 0}, {0.01, 3});
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(http("GET", "/api/v1/jobs").status, 200) << i;
  const auto refused = http("GET", "/api/v1/jobs");
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.body.find("too_many_requests"), std::string::npos) << refused.body;
  std::string retry_after;
  for (const auto& [name, value] : refused.headers)
    if (name == "retry-after") retry_after = value;
  EXPECT_GT(parse_int(retry_after).value_or(0), 60) << retry_after;
  EXPECT_EQ(http("GET", "/healthz").status, 200) << "who asks nothing of a key is not counted";
}

TEST_F(MasterRoutes, RequestsAreCountedByTemplate) {
  start();
  (void)http("GET", "/api/v1/jobs/77");
  (void)http("GET", "/etc/passwd");
  const std::string text = http("GET", "/metrics", "", "").body;
  EXPECT_NE(text.find("endpoint=\"/api/v1/jobs/{id}\",status=\"404\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("endpoint=\"unknown\",status=\"404\"} 1"), std::string::npos) << text;
  EXPECT_EQ(text.find("passwd"), std::string::npos) << "a path is no label";
}

}  // namespace
}  // namespace ffrtmp::master
