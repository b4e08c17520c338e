// The worker's calls against a server of the test's own: what goes out, and what comes back of every kind of answer.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <thread>

#include "api/client.h"
#include "api/codec.h"
#include "base/text.h"
#include "net/server.h"
#include "tests/support/manual_clock.h"

namespace ffrtmp::api {
namespace {

using namespace std::chrono_literals;

// Answers each request by the next of the given replies, and keeps the requests.
class Answers {
 public:
  Answers() {
    net::ServerOptions options;
    options.body_limit = [](std::string_view, std::string_view) { return std::size_t{1} << 20; };
    auto server = net::Server::start(options, [this](net::Request request, net::Respond respond) {
      const std::lock_guard lock(mutex_);
      seen_.push_back(std::move(request));
      if (replies_.empty()) return held_.push_back(std::move(respond));
      respond(std::move(replies_.front()));
      replies_.pop_front();
    });
    EXPECT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void next(int status, std::string body) {
    const std::lock_guard lock(mutex_);
    replies_.push_back({status, "application/json", std::move(body), {}});
  }
  void release_held(int status, const std::string& body) {
    const std::lock_guard lock(mutex_);
    for (const auto& respond : held_) respond({status, "application/json", body, {}});
    held_.clear();
  }
  [[nodiscard]] net::Request last() {
    const std::lock_guard lock(mutex_);
    return seen_.empty() ? net::Request{} : seen_.back();
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex_);
    return seen_.size();
  }
  [[nodiscard]] std::string url() const { return cat("http://127.0.0.1:", server_->port()); }

 private:
  std::mutex mutex_;
  std::deque<net::Response> replies_;
  std::vector<net::Respond> held_;
  std::vector<net::Request> seen_;
  std::unique_ptr<net::Server> server_;  // last: its thread uses all of the above
};

class WorkerCalls : public testing::Test {
 protected:
  std::unique_ptr<WorkerClient> open(std::chrono::milliseconds timeout = 10s) {
    auto client = net::Client::open({answers_.url(), "", true, "ffn_token"});
    EXPECT_TRUE(client) << client.error().message;
    return std::make_unique<WorkerClient>(std::move(*client), timeout);
  }

  Answers answers_;
  test::SeededIds ids_;
  const Uuid id_ = ids_.next(UtcTime{});
  std::unique_ptr<WorkerClient> client_ = open();
};

TEST_F(WorkerCalls, EachGoesToItsRoute) {
  const std::string attempt = "/api/v1/attempts/" + id_.str();
  const auto check = [&](std::string_view target, const auto& reply) {
    EXPECT_TRUE(reply) << target << ": " << reply.error().message;
    const net::Request seen = answers_.last();
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.target, target);
    EXPECT_EQ(seen.header("authorization"), "Bearer ffn_token");
  };
  answers_.next(201, encode(RegisterReply{}));
  check("/api/v1/nodes/register", client_->register_node({}));
  answers_.next(200, encode(HeartbeatReply{}));
  check(cat("/api/v1/nodes/", id_.str(), "/heartbeat"), client_->heartbeat(id_, {}));
  answers_.next(200, encode(ClaimReply{}));
  check("/api/v1/claims", client_->claim({}));
  answers_.next(200, encode(ProgressReply{}));
  check(attempt + "/progress", client_->progress(id_, {}));
  answers_.next(200, encode(PublishReply{}));
  check(attempt + "/publish", client_->publish(id_, {"/m/a.mp4", 7, "ab"}));
  answers_.next(200, encode(ResultReply{}));
  check(attempt + "/result", client_->result(id_, {}));
  answers_.next(200, encode(ResultReply{}));
  check(attempt + "/release", client_->release(id_, "stopping"));
  answers_.next(200, encode(LogAppendReply{10}));
  check(attempt + "/logs?offset=7", client_->append_log(id_, 7, "abc"));
  answers_.next(200, encode(LogAppendReply{10}));
  check(attempt + "/logs?offset=7&after_drop=true", client_->append_log(id_, 7, "abc", true));
}

TEST_F(WorkerCalls, BodiesArriveAsTheyWere) {
  ProgressRequest progress;
  progress.seq = 12;
  progress.frame = 300;
  progress.ack = {"c1", "c2"};
  answers_.next(200, encode(ProgressReply{{}, {{"c3", id_, "cancel", 5}}}));
  const auto reply = client_->progress(id_, progress);
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_EQ(reply->commands.size(), 1U);
  EXPECT_EQ(reply->commands[0].action, "cancel");
  EXPECT_EQ(reply->commands[0].grace_seconds, 5);
  const auto seen = decode<ProgressRequest>(answers_.last().body);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->seq, 12);
  EXPECT_EQ(seen->frame, 300);
  EXPECT_EQ(seen->ack, progress.ack);
  EXPECT_FALSE(seen->percent) << "the unmeasured is absent";

  const std::string bytes("a\0\xff\r\n{\"", 7);
  answers_.next(200, encode(LogAppendReply{7}));
  const auto appended = client_->append_log(id_, 0, bytes);
  ASSERT_TRUE(appended);
  EXPECT_EQ(appended->next_offset, 7);
  EXPECT_EQ(answers_.last().body, bytes);
  EXPECT_EQ(answers_.last().header("content-type"), "application/octet-stream");
}

TEST_F(WorkerCalls, AnErrorIsTheOneOfTheMaster) {
  for (const Errc code :
       {Errc::kStaleAttempt, Errc::kLogGap, Errc::kResultConflict, Errc::kSuperseded, Errc::kForbidden, Errc::kNotFound,
        Errc::kUnauthorized, Errc::kStoreUnavailable, Errc::kTooManyRequests}) {
    answers_.next(http_status(code), encode_error(make_error(code, "because")));
    const auto reply = client_->progress(id_, {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, code);
    EXPECT_EQ(reply.error().message, "because");
  }
  answers_.next(422, encode_error(field_error("slots", "must be 1 to 64")));
  EXPECT_EQ(client_->claim({}).error().field, "slots");
}

TEST_F(WorkerCalls, AnAnswerOfSomethingInBetween) {
  answers_.next(502, "<html>Bad Gateway</html>");
  const auto gateway = client_->progress(id_, {});
  ASSERT_FALSE(gateway);
  EXPECT_GE(http_status(gateway.error().code), 500) << "to be repeated";
  EXPECT_NE(gateway.error().message.find("502"), std::string::npos) << gateway.error().message;
  // 200 with something else is no success: a login page must not complete a job.
  for (const char* body : {"", "<html>please log in</html>", "[]", "{\"job_status\":\"done\"}", "{\"job_status\":"}) {
    answers_.next(200, body);
    const auto reply = client_->result(id_, {});
    ASSERT_FALSE(reply) << body;
    EXPECT_NE(reply.error().message.find("the master's reply"), std::string::npos) << reply.error().message;
  }
  answers_.next(302, "");
  EXPECT_FALSE(client_->result(id_, {})) << "redirects are not followed";
}

TEST_F(WorkerCalls, TakeTheirTimeAndNoMore) {
  const auto impatient = open(150ms);
  const auto begun = std::chrono::steady_clock::now();
  const auto late = impatient->progress(id_, {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  // A poll's own wait is added to the time of a call.
  HeartbeatRequest request;
  request.wait = 20;
  std::thread master([&] {
    std::this_thread::sleep_for(400ms);
    answers_.release_held(200, encode(HeartbeatReply{}));
  });
  const auto polled = impatient->heartbeat(id_, request);
  EXPECT_TRUE(polled) << polled.error().message;
  master.join();
}

TEST_F(WorkerCalls, AnInterruptEndsAPoll) {
  HeartbeatRequest request;
  request.wait = 30;
  std::thread other([&] {
    while (answers_.count() == 0) std::this_thread::sleep_for(5ms);
    client_->interrupt();
  });
  const auto begun = std::chrono::steady_clock::now();
  const auto reply = client_->heartbeat(id_, request);
  other.join();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  answers_.release_held(200, "late");
  answers_.next(200, encode(HeartbeatReply{}));
  EXPECT_TRUE(client_->heartbeat(id_, {})) << "the next call is a fresh one and gets its own answer";
}

TEST_F(WorkerCalls, TheTokenChangesForTheNextCall) {
  client_->set_bearer("ffn_new");
  answers_.next(200, encode(ClaimReply{}));
  ASSERT_TRUE(client_->claim({}));
  EXPECT_EQ(answers_.last().header("authorization"), "Bearer ffn_new");
}

TEST_F(WorkerCalls, AMasterThatIsNotThere) {
  auto gone = net::Client::open({"http://127.0.0.1:1", "", true, "t"});
  ASSERT_TRUE(gone);
  WorkerClient client(std::move(*gone), 5s);
  EXPECT_EQ(client.claim({}).error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace ffrtmp::api
