#include "net/http.h"

#include <gtest/gtest.h>

#include "net/message_reader.h"
#include "net/url.h"

namespace ffrtmp::net {
namespace {

Request get(std::string target) { return {"GET", std::move(target), {{"accept", "text/plain"}}, {}, {}, {}}; }

TEST(Request, SplitsPathAndQuery) {
  EXPECT_EQ(get("/api/v1/jobs?limit=5&x=1").path(), "/api/v1/jobs");
  EXPECT_EQ(get("/healthz").path(), "/healthz");
  EXPECT_EQ(get("/healthz?").path(), "/healthz");
  EXPECT_EQ(get("/a?limit=5").query("limit"), "5");
  EXPECT_EQ(get("/a?limit=5").query("offset"), std::nullopt);
  EXPECT_EQ(get("/a").query("limit"), std::nullopt);
}

TEST(Request, DecodesQueriesAndTakesTheFirstOfTwo) {
  const auto request = get("/a?created=2026-01-07T10%3A20%3A30%2B01%3A00&name=a+b&x&e%3D=%3D&name=c&&bad=%zz%4");
  EXPECT_EQ(request.query("created"), "2026-01-07T10:20:30+01:00");
  EXPECT_EQ(request.query("name"), "a b");
  EXPECT_EQ(request.query("x"), "");
  EXPECT_EQ(request.query("e="), "=");
  EXPECT_EQ(request.query("bad"), "%zz%4");
  EXPECT_EQ(request.query_names(), (std::vector<std::string>{"created", "name", "x", "e=", "name", "bad"}));
}

TEST(Request, FindsHeadersByTheirLowerCaseName) {
  EXPECT_EQ(get("/").header("accept"), "text/plain");
  EXPECT_EQ(get("/").header("host"), std::nullopt);
}

TEST(PercentCode, IsItsOwnInverse) {
  EXPECT_EQ(percent_encode("a b/ü~"), "a%20b%2F%C3%BC~");
  EXPECT_EQ(percent_decode("a%20b%2f%C3%BC~+"), "a b/ü~+");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
}

struct UrlRow {
  std::string_view text;
  std::string_view host;
  int port;
  bool is_tls;
  std::string_view authority;
  std::string_view path;
};

TEST(Url, IsReadIntoItsParts) {
  const UrlRow rows[] = {
      {"https://localhost:8080", "localhost", 8080, true, "localhost:8080", ""},
      {"https://localhost.evil.test", "localhost.evil.test", 443, true, "localhost.evil.test", ""},
      {"HTTP://Example.COM/base/", "example.com", 80, false, "example.com", "/base"},
      {"https://[::1]:8443/", "::1", 8443, true, "[::1]:8443", ""},
      {"https://[2001:DB8::1]", "2001:db8::1", 443, true, "[2001:db8::1]", ""},
      {"http://10.0.0.1:80", "10.0.0.1", 80, false, "10.0.0.1", ""},
  };
  for (const auto& row : rows) {
    const auto url = parse_url(row.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->is_tls, row.is_tls);
    EXPECT_EQ(url->authority(), row.authority);
    EXPECT_EQ(url->path, row.path);
  }
}

TEST(Url, IsRefusedWhereItCouldMeanAnotherHost) {
  for (const std::string_view text : {"localhost:8080",
                                      "ftp://localhost",
                                      "https://",
                                      "https://:80",
                                      "https://user@localhost",
                                      "https://localhost:pw@evil.test",
                                      "https://localhost:0",
                                      "https://localhost:65536",
                                      "https://localhost:",
                                      "https://localhost:80x",
                                      "https://local host",
                                      "https://localhost?x",
                                      "https://localhost/a?b",
                                      "https://localhost#x",
                                      "https://[::1",
                                      "https://[localhost]",
                                      "https://[::1]x",
                                      "https://::1",
                                      "https://localhost\\.evil",
                                      "https://localhost/a\r\nX: y",
                                      "https://-x",
                                      ""}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, Errc::kInvalid);
  }
}

TEST(Url, TellsThisMachineFromOthers) {
  for (const char* text : {"https://localhost", "http://127.0.0.1:9", "https://127.8.9.1", "https://[::1]:8080"})
    EXPECT_TRUE(is_loopback(*parse_url(text))) << text;
  for (const char* text : {"https://localhost.evil.test", "https://128.0.0.1", "https://[::2]", "https://127.evil.test"})
    EXPECT_FALSE(is_loopback(*parse_url(text))) << text;
}

TEST(Url, DoesNotRepeatUserInfoInItsError) {
  const auto url = parse_url("https://user:secret@localhost");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().message.find("secret"), std::string::npos);
}

TEST(RequestReader, CountsTheHeaderThatWasTakenBefore) {
  std::string half;
  while (half.size() < 12'000) half += "X: " + std::string(95, 'y') + "\r\n";
  RequestReader reader;
  const std::string first = "GET / HTTP/1.1\r\nHost: x\r\n" + half;
  const auto step = reader.put(first);
  ASSERT_EQ(step.state, ReadState::kMore);
  EXPECT_EQ(reader.put(first.substr(step.used) + half).state, ReadState::kHeaderTooLarge);
}

TEST(RequestReader, DoesNotHoardAChunkHeadWithoutEnd) {
  RequestReader reader;
  const std::string_view head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  ASSERT_EQ(reader.put(head).state, ReadState::kHead);
  ASSERT_TRUE(reader.set_body_limit(100));
  EXPECT_EQ(reader.put("5;" + std::string(10'000, 'x')).state, ReadState::kMore);
  EXPECT_EQ(reader.put("5;" + std::string(20'000, 'x')).state, ReadState::kMalformed);
}

TEST(ResponseReader, PassesOverInterimAnswersAndReadsChunks) {
  ResponseReader reader(false, 100);
  const std::string_view text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"
      "4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\nrest";
  std::string input;
  ReadStep step;
  for (const char c : text.substr(0, text.size() - 4)) {
    input += c;
    step = reader.put(input);
    input.erase(0, step.used);
  }
  ASSERT_EQ(step.state, ReadState::kDone);
  const auto response = reader.take();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain");
  EXPECT_EQ(response.body, "Wikipedia");
}

TEST(ResponseReader, EndsWithTheConnectionWhereNoLengthIsGiven) {
  ResponseReader reader(false, 100);
  EXPECT_EQ(reader.put("HTTP/1.0 200 OK\r\n\r\nhello").state, ReadState::kMore);
  EXPECT_EQ(reader.put_end(), ReadState::kDone);
  EXPECT_EQ(reader.take().body, "hello");
  ResponseReader cut(false, 100);
  EXPECT_EQ(cut.put("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").state, ReadState::kMore);
  EXPECT_EQ(cut.put_end(), ReadState::kMalformed);
}

TEST(ResponseReader, BoundsWhatItTakes) {
  ResponseReader body(false, 4);
  EXPECT_EQ(body.put("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").state, ReadState::kBodyTooLarge);
  ResponseReader head(false, 4);
  EXPECT_EQ(head.put("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')).state, ReadState::kHeaderTooLarge);
}

TEST(EncodeResponse, KeepsHeaderValuesOnTheirLine) {
  std::string out;
  encode_response(out, {429, "application/json", "{}", {{"Retry-After", "1\r\nSet-Cookie: x"}}}, true, false, false);
  EXPECT_EQ(out,
            "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "Retry-After: 1  Set-Cookie: x\r\n\r\n{}");
}

}  // namespace
}  // namespace ffrtmp::net
