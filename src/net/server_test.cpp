#include "net/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "base/fault.h"
#include "base/text.h"
#include "net/client.h"
#include "net/socket.h"
#include "net/tls_context.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A blocking connection to a local port.
Socket dial(std::uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{10, 0};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return socket;
}

// A raw client: what a test wants to say, byte for byte.
class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port) : socket_(dial(port)) {}
  void say(std::string_view text) {
    EXPECT_EQ(::send(socket_.fd(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // Sends while the server takes it; how much it took.
  std::size_t say_some(std::string_view text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const auto count = ::send(socket_.fd(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    return sent;
  }
  // Reads until `end` has come or the server closes.
  std::string hear_until(std::string_view end) {
    char chunk[4096];
    while (heard_.find(end) == std::string::npos) {
      const auto count = ::recv(socket_.fd(), chunk, sizeof chunk, 0);
      if (count <= 0) break;
      heard_.append(chunk, static_cast<std::size_t>(count));
    }
    return heard_;
  }
  std::string hear_all() { return hear_until("\xff never comes"); }
  void hang_up() { socket_.reset(); }
  void wait_for_close() {
    char byte = 0;
    EXPECT_LE(::recv(socket_.fd(), &byte, 1, 0), 0);
  }

 private:
  Socket socket_;
  std::string heard_;
};

void echo(Request request, const Respond& respond) {
  respond({200, "text/plain", cat(request.method, ' ', request.target, ' ', request.body), {}});
}

ServerOptions plain_options() {
  ServerOptions options;
  options.body_limit = [](std::string_view, std::string_view path) -> std::size_t {
    return path == "/big" ? 8 << 20 : 64 << 10;
  };
  options.error_body = [](int status, std::string_view) { return cat("error ", status); };
  return options;
}

std::unique_ptr<Server> start(ServerOptions options, Handler handler = echo) {
  auto server = Server::start(std::move(options), std::move(handler));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(server).value();
}

std::unique_ptr<Client> plain_client(const Server& server) {
  auto client = Client::open({cat("http://127.0.0.1:", server.port()), {}, true, {}});
  EXPECT_TRUE(client) << client.error().message;
  return std::move(client).value();
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Server, KeepsAConnectionAndAnswersPipelinedRequestsInTurn) {
  const auto server = start(plain_options());
  RawPeer peer(server->port());
  peer.say("GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyzGET /c");
  EXPECT_EQ(count(peer.hear_until("xyz"), "HTTP/1.1 200 OK"), 2U);
  peer.say(" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto all = peer.hear_all();
  EXPECT_LT(all.find("GET /a "), all.find("POST /b xyz"));
  EXPECT_LT(all.find("POST /b xyz"), all.find("GET /c "));
  EXPECT_EQ(count(all, "Connection: close"), 1U);
}

TEST(Server, TakesARequestByteByByte) {
  const auto server = start(plain_options());
  RawPeer peer(server->port());
  for (const char c :
       std::string_view("POST /x?q=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")) {
    peer.say({&c, 1});
  }
  EXPECT_TRUE(peer.hear_all().ends_with("POST /x?q=1 ok"));
}

TEST(Server, ReadsAChunkedBody) {
  const auto server = start(plain_options());
  RawPeer peer(server->port());
  peer.say("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nWiki\r\n");
  peer.say("5\r\npedia\r\n0\r\n\r\n");
  EXPECT_TRUE(peer.hear_all().ends_with("POST /x Wikipedia"));
}

TEST(Server, RefusesAChunkedBodyBeyondTheLimit) {
  const auto server = start(plain_options());
  RawPeer peer(server->port());
  peer.say("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 5; ++i) peer.say_some(cat("4000\r\n", std::string(0x4000, 'x'), "\r\n"));
  EXPECT_TRUE(peer.hear_all().starts_with("HTTP/1.1 413 "));
}

// contract: F2
TEST(Server, Answers400ToWhatIsNoRequest) {
  const auto server = start(plain_options());
  for (const std::string_view text :
       {"nonsense\r\n\r\n", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: z\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    RawPeer peer(server->port());
    peer.say(text);
    const auto answer = peer.hear_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << text << "\n" << answer;
    EXPECT_TRUE(answer.ends_with("error 400")) << text;
  }
}

// contract: F2
TEST(Server, Answers413ToALargeBodyThatIsBeingSent) {
  const auto server = start(plain_options());
  const auto client = plain_client(*server);
  Request request{"POST", "/jobs", {}, std::string(2 << 20, 'x'), {}, {}};
  for (int i = 0; i < 10; ++i) {
    const auto answer = client->send(request, seconds(10));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 413);
    EXPECT_EQ(answer->body, "error 413");
  }
  request.target = "/big";
  const auto answer = client->send(request, seconds(10));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
}

TEST(Server, DoesNotReadAHugeBodyToItsEnd) {
  const auto server = start(plain_options());
  RawPeer peer(server->port());
  peer.say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\n");
  const std::string body(64 << 20, 'x');
  EXPECT_LT(peer.say_some(body), body.size());
}

TEST(Server, Answers431ToAHeaderBeyond16KiB) {
  const auto server = start(plain_options());
  RawPeer one_line(server->port());
  one_line.say("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(17 << 10, 'y'));
  EXPECT_TRUE(one_line.hear_all().starts_with("HTTP/1.1 431 "));
  RawPeer many_lines(server->port());
  many_lines.say("GET / HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; i < 200; ++i) many_lines.say_some(cat("X", i, ": ", std::string(100, 'y'), "\r\n"));
  EXPECT_TRUE(many_lines.hear_all().starts_with("HTTP/1.1 431 "));
}

TEST(Server, Answers408ToASlowHeaderAndASlowBody) {
  auto options = plain_options();
  options.header_timeout = options.body_timeout = milliseconds(80);
  const auto server = start(std::move(options));
  RawPeer header(server->port());
  header.say("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(header.hear_all().starts_with("HTTP/1.1 408 "));
  RawPeer body(server->port());
  body.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_TRUE(body.hear_all().starts_with("HTTP/1.1 408 "));
}

TEST(Server, AHeaderThatTricklesGetsNoMoreTimeByTrickling) {
  auto options = plain_options();
  options.header_timeout = milliseconds(100);
  const auto server = start(std::move(options));
  RawPeer peer(server->port());
  constexpr int kLines = 200;
  std::atomic<bool> is_over = false;
  std::atomic<int> lines = 0;
  std::thread trickle([&] {
    peer.say_some("GET / HTTP/1.1\r\n");
    for (; !is_over && lines < kLines; ++lines) {
      peer.say_some("X: y\r\n");
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  EXPECT_TRUE(peer.hear_until("\r\n\r\n").starts_with("HTTP/1.1 408 "));
  is_over = true;
  trickle.join();
  EXPECT_LT(lines, kLines);
}

TEST(Server, ClosesAnIdleConnectionWithoutAWord) {
  auto options = plain_options();
  options.idle_timeout = milliseconds(80);
  const auto server = start(std::move(options));
  RawPeer peer(server->port());
  peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(count(peer.hear_all(), "HTTP/1.1"), 1U);
}

TEST(Server, GivesUpOnAPeerThatDoesNotReadItsAnswer) {
  auto options = plain_options();
  options.write_timeout = milliseconds(80);
  std::promise<std::weak_ptr<const void>> connection;
  const auto server = start(std::move(options), [&](const Request& request, const Respond& respond) {
    connection.set_value(request.connection);
    respond({200, "text/plain", std::string(64 << 20, 'x'), {}});
  });
  RawPeer peer(server->port());
  peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto alive = connection.get_future().get();
  const auto limit = std::chrono::steady_clock::now() + seconds(10);
  while (!alive.expired() && std::chrono::steady_clock::now() < limit) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_TRUE(alive.expired());
}

TEST(Server, SaysContinueToWhoAsks) {
  const auto server = start(plain_options());
  RawPeer peer(server->port());
  peer.say("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(peer.hear_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.say("ok");
  EXPECT_TRUE(peer.hear_all().ends_with("POST /x ok"));
  RawPeer greedy(server->port());
  greedy.say("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_TRUE(greedy.hear_all().starts_with("HTTP/1.1 413 "));
}

TEST(Server, AnswersHeadAndHttp10) {
  const auto server = start(plain_options());
  RawPeer head(server->port());
  head.say("HEAD /x HTTP/1.0\r\n\r\n");
  const auto answer = head.hear_all();
  EXPECT_NE(answer.find("Content-Length: 8\r\n"), std::string::npos) << answer;  // "HEAD /x "
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
  RawPeer kept(server->port());
  kept.say("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(kept.hear_until("GET /x ").find("Connection: keep-alive\r\n"), std::string::npos);
}

TEST(Server, AnAnswerMayComeLaterFromAnotherThread) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Respond> waiting;
  const auto server = start(plain_options(), [&](const Request&, Respond respond) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(respond));
    changed.notify_all();
  });
  std::thread answerer([&] {
    for (int i = 0; i < 2; ++i) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return !waiting.empty(); });
      const auto respond = std::move(waiting.back());
      waiting.pop_back();
      lock.unlock();
      respond({200, "text/plain", "later", {}});
      respond({500, "text/plain", "a second call does nothing", {}});
    }
  });
  RawPeer peer(server->port());
  peer.say("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto all = peer.hear_all();
  EXPECT_EQ(count(all, "later"), 2U);
  EXPECT_EQ(count(all, "HTTP/1.1"), 2U);
  answerer.join();
}

TEST(Server, BytesThatComeDuringALongPollAreTheNextRequest) {
  std::promise<Respond> waiting;
  const auto server = start(plain_options(), [&](Request request, Respond respond) {
    if (request.target == "/wait") return waiting.set_value(std::move(respond));
    echo(std::move(request), respond);
  });
  RawPeer peer(server->port());
  peer.say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto respond = waiting.get_future().get();
  peer.say("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  peer.say(std::string(100, '\n'));
  respond({204, "", {}, {}});
  const auto all = peer.hear_until("GET /next ");
  EXPECT_TRUE(all.starts_with("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK")) << all;
}

TEST(Server, ADroppedRespondAnswers500) {
  const auto server = start(plain_options(), [](const Request& request, const Respond&) {
    if (request.target == "/throw") throw std::runtime_error("a fault of the handler");
  });
  const auto client = plain_client(*server);
  for (const auto* target : {"/drop", "/throw"}) {
    const auto answer = client->send({"GET", target, {}, {}, {}, {}}, seconds(10));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 500);
    EXPECT_EQ(answer->body, "error 500");
  }
}

TEST(Server, AWaiterLearnsThatItsPeerHasGone) {
  std::promise<std::pair<std::weak_ptr<const void>, Respond>> waiting;
  const auto server = start(plain_options(), [&](const Request& request, Respond respond) {
    waiting.set_value({request.connection, std::move(respond)});
  });
  RawPeer peer(server->port());
  peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto [connection, respond] = waiting.get_future().get();
  EXPECT_FALSE(connection.expired());
  peer.hang_up();
  const auto limit = std::chrono::steady_clock::now() + seconds(10);
  while (!connection.expired() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_TRUE(connection.expired());
  respond({200, "text/plain", "to nobody", {}});
}

TEST(Server, ARespondMayOutliveTheServer) {
  std::promise<Respond> waiting;
  auto server = start(plain_options(), [&](const Request&, Respond respond) { waiting.set_value(std::move(respond)); });
  RawPeer peer(server->port());
  peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto respond = waiting.get_future().get();
  server.reset();
  peer.wait_for_close();
  respond({200, "text/plain", "too late", {}});
}

TEST(Server, StopAcceptingStillAnswersWhoWaits) {
  std::promise<Respond> waiting;
  const auto server =
      start(plain_options(), [&](const Request&, Respond respond) { waiting.set_value(std::move(respond)); });
  RawPeer waiter(server->port());
  RawPeer idle(server->port());
  waiter.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto respond = waiting.get_future().get();
  server->stop_accepting();
  idle.wait_for_close();
  respond({200, "text/plain", "last words", {}});
  const auto answer = waiter.hear_all();
  EXPECT_TRUE(answer.ends_with("last words")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  const auto client = plain_client(*server);
  const auto refused = client->send({"GET", "/", {}, {}, {}, {}}, seconds(10));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
}

TEST(Server, RunsPostedWorkInOrderOnItsThread) {
  const auto server = start(plain_options());
  std::promise<std::vector<int>> done;
  std::vector<int> order;
  server->post_after(milliseconds(20), [&] { done.set_value(order); });
  server->post_after(milliseconds(10), [&] { order.push_back(3); });
  server->post([&] {
    order.push_back(1);
    server->post([&] { order.push_back(2); });
  });
  EXPECT_EQ(done.get_future().get(), (std::vector{1, 2, 3}));
}

TEST(Server, NamesTheAddressItCannotListenOn) {
  const auto server = start(plain_options());
  auto options = plain_options();
  options.port = server->port();
  const auto second = Server::start(std::move(options), echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kUnavailable);
  EXPECT_NE(second.error().message.find(cat("127.0.0.1:", server->port())), std::string::npos)
      << second.error().message;
}

TEST(Server, KeepsAcceptingAfterTheKernelRanOut) {
  const auto server = start(plain_options());
  ASSERT_TRUE(fault::arm("accept:ENOMEM:2"));
  const auto client = plain_client(*server);
  const auto answer = client->send({"GET", "/", {}, {}, {}, {}}, seconds(10));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  ASSERT_TRUE(fault::arm(""));
}

class TlsServer : public testing::Test {
 protected:
  void SetUp() override {
    auto files = ensure_certificates(dir_.path(), {}, {});
    ASSERT_TRUE(files) << files.error().message;
    files_ = *files;
  }
  std::unique_ptr<Server> start_tls(Handler handler = echo, std::uint16_t port = 0) {
    auto options = plain_options();
    options.tls = files_;
    options.port = port;
    return start(std::move(options), std::move(handler));
  }
  std::unique_ptr<Client> connect(const Server& server, std::string host = "localhost", bool verify = true) {
    auto client = Client::open({cat("https://", host, ":", server.port()), verify ? files_.ca : "", verify, {}});
    EXPECT_TRUE(client) << client.error().message;
    return std::move(client).value();
  }

  test::TempDir dir_;
  CertificateFiles files_;
};

TEST_F(TlsServer, Serves200ConnectionsAtOnce) {
  const auto server = start_tls();
  constexpr int kThreads = 8;
  constexpr int kConnections = 200;
  std::atomic<int> good = 0;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kConnections; ++i) clients.push_back(connect(*server, i % 2 == 0 ? "localhost" : "127.0.0.1"));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kConnections * 5; i += kThreads) {
        const auto target = cat("/", i);
        const auto answer = clients[static_cast<std::size_t>(i % kConnections)]->send(
            {"POST", target, {}, std::string(static_cast<std::size_t>(i), 'x'), {}, {}}, seconds(30));
        if (answer && answer->body == cat("POST ", target, ' ', std::string(static_cast<std::size_t>(i), 'x'))) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, kConnections * 5);
}

TEST_F(TlsServer, CarriesLargeBodiesBothWays) {
  const auto server = start_tls();
  const auto client = connect(*server);
  const std::string body(7 << 20, 'x');
  const auto answer = client->send({"POST", "/big", {}, body, {}, {}}, seconds(30));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "POST /big " + body);
  const auto refused = client->send({"POST", "/small", {}, body, {}, {}}, seconds(30));
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 413);
}

TEST_F(TlsServer, AClientThatWritesAllBeforeItReadsSeesThe413) {
  const auto server = start_tls();
  const auto context = make_client_context(files_.ca, true);
  ASSERT_TRUE(context);
  Socket socket = dial(server->port());
  const int small = 16 * 1024;  // or the kernel's buffers would take the whole body before anybody reads
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  auto stream = connect_tls(context->get(), std::move(socket), "127.0.0.1");
  ASSERT_TRUE(stream);
  ASSERT_EQ(stream->handshake().state, Io::kDone);
  const std::string wire = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2097152\r\n\r\n" + std::string(2 << 20, 'x');
  for (std::size_t sent = 0; sent < wire.size();) {
    const auto result = stream->write(std::string_view(wire).substr(sent));
    ASSERT_EQ(result.state, Io::kDone) << stream->failure() << " after " << sent;
    sent += result.bytes;
  }
  char answer[64] = "";
  ASSERT_EQ(stream->read(answer, sizeof answer - 1).state, Io::kDone);
  EXPECT_TRUE(std::string_view(answer).starts_with("HTTP/1.1 413 ")) << answer;
}

TEST_F(TlsServer, RefusesTls11) {
  const auto server = start_tls();
  const auto context = make_client_context(files_.ca, true);
  ASSERT_TRUE(context);
  SSL_CTX_set_security_level(context->get(), 0);  // else this side would refuse
  SSL_CTX_set_cipher_list(context->get(), "ALL:@SECLEVEL=0");
  for (const int version : {TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_min_proto_version(context->get(), version);
    SSL_CTX_set_max_proto_version(context->get(), version);
    auto stream = connect_tls(context->get(), dial(server->port()), "127.0.0.1");
    ASSERT_TRUE(stream);
    EXPECT_EQ(stream->handshake().state == Io::kDone, version != TLS1_1_VERSION) << std::hex << version;
  }
}

TEST_F(TlsServer, SurvivesPlainHttpOnItsPort) {
  const auto server = start_tls();
  RawPeer peer(server->port());
  peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  (void)peer.hear_all();
  EXPECT_TRUE(connect(*server)->send({}, seconds(10)));
}

TEST_F(TlsServer, AClientVerifiesCaAndHostName) {
  const auto server = start_tls();
  EXPECT_TRUE(connect(*server)->send({}, seconds(10)));
  const test::TempDir other;
  const auto foreign = ensure_certificates(other.path(), {}, {});
  ASSERT_TRUE(foreign);
  const auto url = cat("https://localhost:", server->port());
  for (const auto& ca : {foreign->ca, std::string()}) {
    auto client = Client::open({url, ca, true, {}});
    ASSERT_TRUE(client);
    const auto answer = (*client)->send({}, seconds(10));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
    EXPECT_NE(answer.error().message.find("certificate"), std::string::npos) << answer.error().message;
  }
  auto trusting = Client::open({url, {}, false, {}});
  ASSERT_TRUE(trusting);
  EXPECT_TRUE((*trusting)->send({}, seconds(10)));
}

TEST_F(TlsServer, AClientRefusesACertificateOfAnotherName) {
  const auto server = start_tls();
  // 127.0.0.2 reaches a server on 127.0.0.1 only when it listens on all addresses.
  auto options = plain_options();
  options.tls = files_;
  options.listen = "0.0.0.0";
  const auto wide = start(std::move(options));
  const auto answer = connect(*wide, "127.0.0.2")->send({}, seconds(10));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("mismatch"), std::string::npos) << answer.error().message;
  EXPECT_TRUE(connect(*wide, "127.0.0.2", false)->send({}, seconds(10)));
}

TEST_F(TlsServer, AClientReopensWhenTheServerWasRestarted) {
  auto server = start_tls();
  const auto client = connect(*server);
  ASSERT_TRUE(client->send({}, seconds(10)));
  const auto port = server->port();
  for (int i = 0; i < 3; ++i) {
    server.reset();
    server = start_tls(echo, port);
    const auto answer = client->send({"POST", "/again", {}, "body", {}, {}}, seconds(10));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "POST /again body");
  }
  server.reset();
  const auto gone = client->send({}, seconds(10));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::kUnavailable);
}

TEST_F(TlsServer, InterruptEndsALongPoll) {
  std::promise<Respond> waiting;
  const auto server = start_tls([&](Request request, Respond respond) {
    if (request.target == "/wait") return waiting.set_value(std::move(respond));
    echo(std::move(request), respond);
  });
  const auto client = connect(*server);
  auto future = waiting.get_future();
  std::thread interrupter([&] {
    future.wait();
    client->interrupt();
  });
  const auto answer = client->send({"GET", "/wait", {}, {}, {}, {}}, seconds(60));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kUnavailable);
  interrupter.join();
  EXPECT_TRUE(client->send({}, seconds(10)));  // an interruption counts once
}

TEST_F(TlsServer, AClientGivesUpAfterItsTimeout) {
  const auto server = start_tls([held = std::make_shared<std::vector<Respond>>()](const Request&, Respond respond) {
    held->push_back(std::move(respond));
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = connect(*server)->send({}, milliseconds(50));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kTimeout);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(50));
}

TEST_F(TlsServer, ABearerGoesWithEveryRequest) {
  const auto server = start_tls([](const Request& request, const Respond& respond) {
    respond(
        {200, "text/plain", std::string(request.header("authorization").value_or("none")), {{"X-Peer", request.peer}}});
  });
  const auto client = connect(*server);
  EXPECT_EQ(client->send({}, seconds(10)).value().body, "none");
  client->set_bearer("secret");
  const auto answer = client->send({}, seconds(10)).value();
  EXPECT_EQ(answer.body, "Bearer secret");
  EXPECT_NE(std::ranges::find(answer.headers, std::pair<std::string, std::string>("x-peer", "127.0.0.1")),
            answer.headers.end());
}

TEST(Server, ASocketFileIsServedBesideAnAddress) {
  const test::TempDir dir;
  ServerOptions options;
  options.unix_path = dir / "s.sock";
  auto server = Server::start(std::move(options), [](Request request, const Respond& respond) {
    respond({200, "text/plain", request.peer + request.target, {}});
  });
  ASSERT_TRUE(server) << server.error().message;
  struct stat info {};
  ASSERT_EQ(stat((dir / "s.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto local = Client::open({.base_url = "http://localhost", .unix_path = dir / "s.sock"});
  auto remote = Client::open({.base_url = "http://127.0.0.1:" + std::to_string((*server)->port())});
  ASSERT_TRUE(local && remote);
  Request request;
  request.target = "/a";
  for (int i = 0; i < 2; ++i) {
    const auto reply = (*local)->send(request, std::chrono::seconds(5));
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, "unix/a");
  }
  EXPECT_EQ((*remote)->send(request, std::chrono::seconds(5))->body, "127.0.0.1/a");
  auto nobody = Client::open({.base_url = "http://localhost", .unix_path = dir / "none"});
  EXPECT_EQ((*nobody)->send(request, std::chrono::seconds(5)).error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace ffrtmp::net
