#include "master/query.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace ffrtmp::master {
namespace {

net::Request get(const std::string& query) {
  net::Request request;
  request.target = "/api/v1/x" + (query.empty() ? "" : "?" + query);
  return request;
}

TEST(JobQuery, WithoutParametersIsTheFirstPageOfAll) {
  const auto query = read_job_query(get(""));
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_EQ(query->limit, 50);
  EXPECT_FALSE(query->before_sequence);
  EXPECT_TRUE(query->filter.status.empty());
  EXPECT_FALSE(query->filter.queue || query->filter.node_id || query->filter.scenario || query->filter.created_after);
}

TEST(JobQuery, ReadsEachFilter) {
  const auto query = read_job_query(
      get("status=queued,timed_out&queue=live&priority=high&engine=ffmpeg&classification=debug&scenario=a%20b&owner=ann"
          "&node_id=01890000-0000-7000-8000-000000000001&failure_reason=output_error"
          "&created_after=2026-01-07T10:00:00Z&created_before=2026-01-07T12:00:00%2B01:00&limit=500"));
  ASSERT_TRUE(query) << query.error().message;
  const store::JobFilter& filter = query->filter;
  EXPECT_EQ(filter.status, (std::vector{model::JobState::kQueued, model::JobState::kTimedOut}));
  EXPECT_EQ(filter.queue, model::Queue::kLive);
  EXPECT_EQ(filter.priority, model::Priority::kHigh);
  EXPECT_EQ(filter.engine, model::Engine::kFfmpeg);
  EXPECT_EQ(filter.classification, model::Classification::kDebug);
  EXPECT_EQ(filter.scenario, "a b");
  EXPECT_EQ(filter.owner, "ann");
  EXPECT_EQ(filter.node_id->str(), "01890000-0000-7000-8000-000000000001");
  EXPECT_EQ(filter.failure_reason, model::FailureReason::kOutputError);
  EXPECT_EQ(*filter.created_before - *filter.created_after, std::chrono::hours(1));
  EXPECT_EQ(query->limit, 500);
}

TEST(JobQuery, EachWrongParameterIsNamed) {
  const std::pair<const char*, const char*> rows[] = {
      {"colour", "colour=red"},
      {"Status", "Status=queued"},
      {"status", "status=queued,done"},
      {"status", "status=queued,"},
      {"queue", "queue=fast"},
      {"priority", "priority=HIGH!"},
      {"engine", "engine=vlc"},
      {"classification", "classification=prod"},
      {"failure_reason", "failure_reason=bad_luck"},
      {"node_id", "node_id=node-1"},
      {"node_id", "node_id="},
      {"created_after", "created_after=yesterday"},
      {"created_before", "created_before="},
      {"limit", "limit=0"},
      {"limit", "limit=501"},
      {"limit", "limit=-1"},
      {"limit", "limit=1e2"},
      {"limit", "limit="},
      {"limit", "limit=99999999999999999999"},
      {"cursor", "cursor="},
      {"cursor", "cursor=7"},
      {"cursor", "cursor=j0"},
      {"cursor", "cursor=j-4"},
      {"cursor", "cursor=jx"},
      {"cursor", "cursor=n7"},
  };
  for (const auto& [field, text] : rows) {
    const auto query = read_job_query(get(text));
    ASSERT_FALSE(query) << text;
    EXPECT_EQ(query.error().code, Errc::kInvalidField) << text;
    EXPECT_EQ(query.error().field, field) << text;
  }
}

TEST(JobQuery, ACursorIsReadAsItWasGiven) {
  for (const std::int64_t sequence : {std::int64_t{1}, std::int64_t{12}, std::int64_t{1} << 62}) {
    const auto query = read_job_query(get("cursor=" + cursor_of(sequence)));
    ASSERT_TRUE(query) << query.error().message;
    EXPECT_EQ(query->before_sequence, sequence);
  }
}

store::NodeView node(int number, model::NodeStatus status, model::NodeType type,
                     std::map<std::string, std::string> labels = {}) {
  store::NodeView view;
  view.node.id.bytes[0] = static_cast<std::uint8_t>(number);
  view.node.facts.name = cat("n", number);
  view.node.facts.type = type;
  view.node.facts.labels = std::move(labels);
  view.status = status;
  return view;
}

std::string names(const NodePage& page) {
  std::string text;
  for (const store::NodeView& view : page.nodes) text += view.node.facts.name + " ";
  return text;
}

// The names of the page that a query string gives of four nodes.
std::string listed(const std::string& text) {
  using enum model::NodeStatus;
  using enum model::NodeType;
  const auto query = read_node_query(get(text));
  EXPECT_TRUE(query) << text << query.error().message;
  if (!query) return "";
  return names(page_of({node(2, kBusy, kServer, {{"zone", "a"}, {"disk", "ssd"}}), node(1, kOffline, kLaptop),
                        node(4, kAvailable, kServer, {{"zone", "a"}}), node(3, kAvailable, kDesktop, {{"zone", "b"}})},
                       *query));
}

TEST(NodeQuery, FiltersNewestFirst) {
  EXPECT_EQ(listed(""), "n4 n3 n2 n1 ");
  EXPECT_EQ(listed("status=available"), "n4 n3 ");
  EXPECT_EQ(listed("status=busy,offline"), "n2 n1 ");
  EXPECT_EQ(listed("type=server"), "n4 n2 ");
  EXPECT_EQ(listed("type=server&status=available"), "n4 ");
  EXPECT_EQ(listed("label=zone%3Da"), "n4 n2 ");
  EXPECT_EQ(listed("label=zone%3Da,disk%3Dssd"), "n2 ");
  EXPECT_EQ(listed("label=zone%3D"), "");
  EXPECT_EQ(listed("label=colour%3Dred"), "");
}

TEST(NodeQuery, PagesJoin) {
  std::vector<store::NodeView> nodes;
  for (int i = 1; i <= 7; ++i) nodes.push_back(node(i, model::NodeStatus::kAvailable, model::NodeType::kServer));
  NodeQuery query;
  query.limit = 3;
  std::string seen;
  int pages = 0;
  for (;; ++pages) {
    const NodePage page = page_of(nodes, query);
    seen += names(page);
    if (!page.next_after) break;
    const auto next = read_node_query(get(cat("limit=3&cursor=", cursor_of(*page.next_after))));
    ASSERT_TRUE(next) << next.error().message;
    query = *next;
    nodes.push_back(node(8 + pages, model::NodeStatus::kAvailable, model::NodeType::kServer));  // registers meanwhile
  }
  EXPECT_EQ(seen, "n7 n6 n5 n4 n3 n2 n1 ");
  EXPECT_EQ(pages, 2);
}

TEST(NodeQuery, EachWrongParameterIsNamed) {
  const std::pair<const char*, const char*> rows[] = {
      {"colour", "colour=red"},
      {"status", "status=up"},
      {"status", "status=available,"},
      {"type", "type=phone"},
      {"label", "label=zone"},
      {"label", "label=%3Da"},
      {"limit", "limit=0"},
      {"limit", "limit=501"},
      {"cursor", "cursor="},
      {"cursor", "cursor=n"},
      {"cursor", "cursor=j7"},
      {"name", "name=x"},
      {"cursor", "cursor=01890000-0000-7000-8000-000000000001"},
  };
  for (const auto& [field, text] : rows) {
    const auto query = read_node_query(get(text));
    ASSERT_FALSE(query) << text;
    EXPECT_EQ(query.error().code, Errc::kInvalidField) << text;
    EXPECT_EQ(query.error().field, field) << text;
  }
  EXPECT_TRUE(refuse_query(get("")));
  EXPECT_EQ(refuse_query(get("full=true")).error().field, "full");
}

TEST(LogQuery, ReadsAndRefuses) {
  const auto plain = read_log_query(get(""), 1 << 20);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->offset, 0);
  EXPECT_FALSE(plain->attempt);
  const auto full =
      read_log_query(get("attempt=01890000-0000-7000-8000-000000000001&offset=-4096&limit=1048576&wait=30"), 1 << 20);
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->attempt->str(), "01890000-0000-7000-8000-000000000001");
  EXPECT_EQ(full->offset, -4096);
  EXPECT_EQ(full->limit, 1 << 20);
  const std::pair<const char*, const char*> rows[] = {
      {"tail", "tail=5"},       {"attempt", "attempt=1"},    {"offset", "offset=x"},
      {"limit", "limit=0"},     {"limit", "limit=1048577"},  {"offset", "offset=9223372036854775808"},
      {"offset", "offset=1.5"}, {"attempt", "attempt=last"},
  };
  for (const auto& [field, text] : rows) {
    const auto query = read_log_query(get(text), 1 << 20);
    ASSERT_FALSE(query) << text;
    EXPECT_EQ(query.error().code, Errc::kInvalidField) << text;
    EXPECT_EQ(query.error().field, field) << text;
  }
}

TEST(QueryInt, OnlyWholeNumbersOfTheRange) {
  EXPECT_EQ(*read_query_int(get(""), "wait", 0, 30, 7), 7);
  EXPECT_EQ(*read_query_int(get("wait=0"), "wait", 0, 30, 7), 0);
  EXPECT_EQ(*read_query_int(get("wait=30"), "wait", 0, 30, 7), 30);
  for (const char* text : {"wait=31", "wait=-1", "wait=", "wait=3s", "wait=%20", "wait=0x1"})
    EXPECT_EQ(read_query_int(get(text), "wait", 0, 30, 7).error().field, "wait") << text;
}

}  // namespace
}  // namespace ffrtmp::master
