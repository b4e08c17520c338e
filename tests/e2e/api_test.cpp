// The API of a running master: names, errors, ranges, keys.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "api/client_file.h"
#include "api/codec.h"
#include "base/text.h"
#include "tests/e2e/box.h"
#include "tests/support/bad_fields.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;

std::string code_of(const net::Response& reply) {
  auto body = api::decode<api::ErrorReply>(reply.body);
  return body ? body->error.code : "none";
}

std::string field_of(const net::Response& reply) {
  auto body = api::decode<api::ErrorReply>(reply.body);
  return body ? body->error.field.value_or("") : "none";
}

// contract: F1
TEST(Api, EveryNameFindsItsJob) {
  Box box;
  box.start_master();
  std::vector<std::pair<std::string, std::int64_t>> made;
  for (int i = 0; i < 200; ++i) {
    const auto number = box.submit("/m/in.mp4", cat("/m/out", i, ".mp4"));
    made.emplace_back(box.job(number).id.str(), number);
  }
  for (const auto& [id, number] : made) {
    auto by_id = api::decode<api::Job>(box.http("GET", "/api/v1/jobs/" + id).body);
    auto by_number = api::decode<api::Job>(box.http("GET", cat("/api/v1/jobs/", number)).body);
    ASSERT_TRUE(by_id && by_number);
    EXPECT_EQ(by_id->sequence_number, number);
    EXPECT_EQ(by_number->id.str(), id);
  }
  EXPECT_EQ(box.http("GET", "/api/v1/jobs/12ab").status, 400);
  EXPECT_EQ(box.http("GET", "/api/v1/jobs/999999").status, 404);
}

// contract: F2
TEST(Api, BadRequestsAreTold) {
  Box box;
  box.start_master();
  const auto unknown = box.http("GET", "/api/v1/nothing");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(code_of(unknown), "not_found");
  const auto verb = box.http("DELETE", "/api/v1/jobs");
  EXPECT_EQ(verb.status, 405);
  EXPECT_EQ(code_of(verb), "method_not_allowed");
  const auto json = box.http("POST", "/api/v1/jobs", "{\"scenario\":");
  EXPECT_EQ(json.status, 400);
  EXPECT_EQ(code_of(json), "bad_request");
  const auto large = box.http("POST", "/api/v1/jobs", std::string(2 << 20, 'x'));
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(box.http("GET", "/api/v1/jobs?colour=red").status, 422);
}

// contract: F3
TEST(Api, EachFieldOutOfRangeIsNamed) {
  Box box;
  box.start_master();
  for (const BadField& row : bad_fields()) {
    const std::string json = row.json;
    const std::string body = json.front() == '{' ? json : cat("{\"scenario\":\"x\",", json, "}");
    const auto reply = box.http("POST", "/api/v1/jobs", body);
    EXPECT_EQ(reply.status, 422) << body << reply.body;
    EXPECT_EQ(field_of(reply), row.field) << body << reply.body;
  }
  auto list = api::decode<api::JobList>(box.http("GET", "/api/v1/jobs").body);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->count, 0);
}

// contract: F4
TEST(Api, OneKeyOneJob) {
  Box box;
  box.start_master();
  const auto file = api::load_client_file(box.path("master/client.yaml"));
  ASSERT_TRUE(file);
  const std::string body = R"({"scenario":"a","parameters":{"input":"/m/a.mp4","output":"/m/b.mp4"}})";
  std::vector<std::thread> threads;
  std::vector<std::string> ids(50);
  std::vector<int> statuses(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    threads.emplace_back([&, i] {
      auto client = net::Client::open({file->url, file->ca, true, file->key});
      net::Request request;
      request.method = "POST";
      request.target = "/api/v1/jobs";
      request.body = body;
      request.headers = {{"idempotency-key", "k1"}};
      auto reply = (*client)->send(request, 20s);
      if (reply) statuses[i] = reply->status;
      if (reply && (reply->status == 201 || reply->status == 200))
        if (auto job = api::decode<api::Job>(reply->body)) ids[i] = job->id.str();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1U);
  EXPECT_FALSE(ids.front().empty());
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 201), 1);
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 200), 49);
  const auto list = api::decode<api::JobList>(box.http("GET", "/api/v1/jobs").body);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->count, 1);
  const auto other = box.http("POST", "/api/v1/jobs", R"({"scenario":"b","parameters":{"input":"/m/a.mp4"}})",
                              {{"idempotency-key", "k1"}});
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(code_of(other), "idempotency_conflict");
}

// contract: F6
TEST(Api, AStoreThatFailsIsNotReady) {
  Box box;
  box.start_master();
  box.master().send(SIGTERM);
  ASSERT_EQ(box.master().wait(10s), 0);
  box.start_master({"--fault"}, {"FFRTMP_FAULT=store:EIO"});
  EXPECT_EQ(box.http("GET", "/readyz").status, 503);
  EXPECT_EQ(box.http("GET", "/healthz").status, 200);
  const auto reply = box.http("POST", "/api/v1/jobs", R"({"scenario":"a","parameters":{"input":"/m/a.mp4"}})");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(code_of(reply), "store_unavailable");
}

// True once a tracer has every thread of the process.
bool is_traced_whole(pid_t pid) {
  for (const auto& thread : std::filesystem::directory_iterator(cat("/proc/", pid, "/task")))
    if (read_file((thread.path() / "status").string()).find("\nTracerPid:\t0\n") != std::string::npos) return false;
  return true;
}

struct Replies {
  int all = 0;
  int early = 0;  // without a finished sync since the reply before
};

// Per submit the log file is written and synced, and only then does the reply leave. With one client at a time the
// order of the trace is the order of the calls: between two replies stands a finished sync.
Replies read_replies(const std::string& trace) {
  Replies replies;
  int synced_since = 0;
  for (const std::string_view line : split(trace, '\n')) {
    const bool sync = line.find("fdatasync(") != std::string_view::npos || line.find("fsync(") != std::string_view::npos ||
                      line.find("fdatasync resumed") != std::string_view::npos || line.find("fsync resumed") != std::string_view::npos;
    if (sync && line.find("unfinished") == std::string_view::npos && line.find("= 0") != std::string_view::npos) ++synced_since;
    // A reply with its body is one TLS record of some hundred bytes; shorter writes wake threads.
    const std::size_t equals = line.rfind("= ");
    const auto size = equals == std::string_view::npos ? std::nullopt : parse_int(trim(line.substr(equals + 2)));
    const bool reply = (line.find(" write(") != std::string_view::npos || line.find(" sendto(") != std::string_view::npos) &&
                       line.find("\\27\\3\\3") != std::string_view::npos && size.value_or(0) > 300;
    if (!reply) continue;
    ++replies.all;
    if (synced_since == 0) ++replies.early;
    synced_since = 0;
  }
  return replies;
}

TEST(Api, NoCreatedBeforeItsCommit) {
  Box box;
  box.start_master();
  const std::string trace = box.path("trace");
  Process tracer({"strace", "-f", "-q", "-o", trace, "-e", "trace=fsync,fdatasync,write,sendto,sendmsg,pwrite64", "-p",
                  cat(box.master().pid())},
                 box.path("strace.log"));
  ASSERT_TRUE(eventually([&] { return is_traced_whole(box.master().pid()); }, 10s));
  for (int i = 0; i < 20; ++i) box.submit("/m/a.mp4", cat("/m/o", i, ".mp4"));
  // The tracer writes a call down after it; ended before, it would lose the last one.
  EXPECT_TRUE(eventually([&] { return read_replies(read_file(trace)).all == 20; }, 5s));
  tracer.send(SIGINT);
  tracer.wait(5s);
  const Replies replies = read_replies(read_file(trace));
  EXPECT_EQ(replies.all, 20);
  EXPECT_EQ(replies.early, 0);
}

// contract: F46
TEST(Api, SecretsStayWithTheirOwner) {
  Box box;
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  const std::string key = box.key();
  ASSERT_GE(key.size(), 40U);
  // The master knows the node a moment before its worker has written its token down.
  const std::string node = box.wait_for_token();
  const std::size_t at = node.find("ffn_");
  ASSERT_NE(at, std::string::npos);
  const std::string token = node.substr(at, node.find('"', at) - at);
  for (const char* name : {"master/client.yaml", "master/tls/server.key", "master/tls/ca.key", "master/master.db", "w1/node.json"}) {
    struct stat info {};
    ASSERT_EQ(stat(box.path(name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
  for (const auto& entry : std::filesystem::directory_iterator(box.path("master"))) {
    if (!entry.path().filename().string().starts_with("master.db")) continue;
    const std::string bytes = read_file(entry.path().string());
    EXPECT_EQ(bytes.find(key), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find(token), std::string::npos) << entry.path();
  }
  EXPECT_EQ(read_file(box.path("master.log")).find(key), std::string::npos);
  EXPECT_EQ(box.http("GET", "/api/v1/nodes").body.find(token), std::string::npos);
}

TEST(Api, NothingIsOpenWithoutAKey) {
  Box box;
  box.start_master();
  const auto file = api::load_client_file(box.path("master/client.yaml"));
  auto client = net::Client::open({file->url, file->ca, true, "wrong"});
  ASSERT_TRUE(client);
  for (const char* target : {"/api/v1/jobs", "/api/v1/nodes"}) {
    net::Request request;
    request.target = target;
    auto reply = (*client)->send(request, 5s);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 401) << target;
  }
}

TEST(Config, WhatIsRecommendedStartsAWorker) {
  const TempDir dir;
  const std::string binary = std::string(FFRTMP_BINARY_DIR) + "/ffrtmp";
  const Ran yaml =
      run_command({binary, "config", "recommend", "-e", "staging", "-o", "yaml", "--state-dir", dir / "none"});
  ASSERT_EQ(yaml.exit_code, 0) << yaml.err;
  EXPECT_FALSE(std::filesystem::exists(dir / "none")) << "a machine that is only looked at keeps nothing";
  write_file(dir / "w.yaml", yaml.out);
  // Without --register it says what it can do, and ends.
  const Ran worker = run_command({binary, "worker", "--config", dir / "w.yaml", "--state-dir", dir / "none"});
  EXPECT_EQ(worker.exit_code, 0) << worker.err;
  EXPECT_NE(worker.out.find("libx264"), std::string::npos) << worker.out;
  const Ran shown = run_command({binary, "config", "show", "--config", dir / "w.yaml"});
  EXPECT_NE(shown.out.find("max-concurrent-jobs: "), std::string::npos);
  EXPECT_NE(shown.out.find("/w.yaml:2:1"), std::string::npos) << shown.out;
}

// contract: F44
TEST(Api, PathsOutsideTheRootsAreRefused) {
  Box box;
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  const std::string clip = box.clip(1);
  for (const std::string& input : {std::string("/etc/shadow"), box.path("../../etc/shadow"), std::string("-i"),
                                   std::string("http://169.254.169.254/latest"), std::string("concat:/etc/passwd")}) {
    const auto reply = box.http("POST", "/api/v1/jobs", cat("{\"scenario\":\"x\",\"parameters\":{\"input\":\"", input, "\",\"output\":\"",
                                                            box.path("o.mp4"), "\"}}"));
    EXPECT_EQ(reply.status, 422) << input << reply.body;
    EXPECT_EQ(field_of(reply), "parameters.input") << input;
  }
  // What only the worker can see: a symlink, and a playlist that calls itself mp4.
  std::filesystem::create_symlink("/etc/passwd", box.path("link.mp4"));
  write_file(box.path("list.mp4"), "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n");
  std::filesystem::create_directory_symlink("/etc", box.path("etc"));
  for (const char* name : {"link.mp4", "list.mp4", "etc/passwd"}) {
    const auto job = box.wait_end(box.submit(box.path(name), box.path("o.mp4")));
    EXPECT_EQ(job.status, model::JobState::kFailed) << name;
    EXPECT_EQ(job.failure_reason, model::FailureReason::kInputError) << name;
  }
  const auto out = box.wait_end(box.submit(clip, box.path("etc/o.mp4")));
  EXPECT_EQ(out.failure_reason, model::FailureReason::kUserError);
  EXPECT_FALSE(std::filesystem::exists(box.path("o.mp4")));
}

}  // namespace
}  // namespace ffrtmp::test
