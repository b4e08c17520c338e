#include "worker/metrics_server.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "net/client.h"

namespace ffrtmp::worker {
namespace {

using namespace std::chrono_literals;

TEST(MetricsServer, ListensWhereTheMasterIs) {
  Settings settings;
  for (const char* url :
       {"https://localhost:8080", "http://127.0.0.1:1", "https://127.1.2.3:8080", "https://[::1]:8080"}) {
    settings.master_url = url;
    EXPECT_EQ(metrics_address(settings), "127.0.0.1") << url;
  }
  for (const char* url : {"https://encoder-1:8080", "https://localhost.evil.test:8080", "https://10.0.0.1:8080", ""}) {
    settings.master_url = url;
    EXPECT_EQ(metrics_address(settings), "0.0.0.0") << url;
  }
  settings.metrics_listen = "10.1.1.1";
  EXPECT_EQ(metrics_address(settings), "10.1.1.1");
}

class Scrape : public testing::Test {
 protected:
  void SetUp() override {
    Settings settings;
    settings.master_url = "https://localhost:8080";
    auto server = start_metrics_server(settings, metrics_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  net::Response get(const std::string& target, const std::string& method = "GET") {
    auto client = net::Client::open({cat("http://127.0.0.1:", server_->port()), "", true, ""});
    net::Request request;
    request.method = method;
    request.target = target;
    auto reply = (*client)->send(request, 5s);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::Response{};
  }
  Metrics metrics_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(Scrape, SeriesAreThereBeforeTheFirstInputAndCountIt) {
  EXPECT_EQ(get("/metrics").body.find("node_id"), std::string::npos) << "whose they are is not known yet";
  const Uuid node = *parse_uuid("01890000-0000-7000-8000-000000000002");
  metrics_.set_node(node);
  const std::string label = cat("{node_id=\"", node.str(), "\"");
  EXPECT_NE(get("/metrics").body.find(cat("ffrtmp_worker_total_inputs_generated", label, "} 0\n")), std::string::npos);
  metrics_.input_generated(1.5, 2'000'000);
  metrics_.input_generated(0.5, 1'000'000);
  const auto reply = get("/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
  for (const std::string& line :
       {cat("ffrtmp_worker_total_inputs_generated", label, "} 2\n"),
        cat("ffrtmp_worker_input_generation_duration_seconds_sum", label, "} 2\n"),
        cat("ffrtmp_worker_input_generation_duration_seconds_bucket", label, ",le=\"1\"} 1\n"),
        cat("ffrtmp_worker_input_file_size_bytes_sum", label, "} 3000000\n")})
    EXPECT_NE(reply.body.find(line), std::string::npos) << line << reply.body;
}

TEST_F(Scrape, OtherPathsAndVerbsAreRefused) {
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/metrics/x").status, 404);
  EXPECT_EQ(get("/metrics", "DELETE").status, 405);
  const auto health = get("/healthz");
  EXPECT_EQ(health.status, 200);
  EXPECT_TRUE(health.body.starts_with(R"({"status":"ok","role":"worker",)")) << health.body;
}

}  // namespace
}  // namespace ffrtmp::worker
