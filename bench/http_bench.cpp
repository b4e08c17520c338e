// Echo requests a second over TLS with kept connections: what one server thread of ours carries.
//   http_bench [connections=64] [seconds=5] [client threads=2]
// Then the memory and CPU that a crowd of waiting connections costs (1,000 idle workers).
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/tls_context.h"

namespace {

using namespace ffrtmp;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kRequest =
    "POST /api/v1/claims HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n"
    "Content-Type: application/json\r\nContent-Length: 28\r\n\r\n{\"slots\":1,\"claim_id\":\"xyz\"}";

[[noreturn]] void die(std::string_view what) {
  std::fprintf(stderr, "http_bench: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// CPU of the server's thread, asked on it.
double server_cpu_seconds(net::Server& server) {
  std::promise<double> answer;
  server.post([&] { answer.set_value(thread_cpu_seconds()); });
  return answer.get_future().get();
}

double rss_mib() {
  std::ifstream file("/proc/self/statm");
  long size = 0;
  long resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

void wait_for(net::Stream& stream, net::Io state) {
  pollfd fd{stream.fd(), static_cast<short>(state == net::Io::kWantWrite ? POLLOUT : POLLIN), 0};
  if (::poll(&fd, 1, 10'000) != 1) die("the server does not answer");
}

net::Stream connect(SSL_CTX* context, std::uint16_t port) {
  net::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("cannot connect");
  net::tune(socket);
  auto stream = net::connect_tls(context, std::move(socket), "127.0.0.1");
  if (!stream) die(stream.error().message);
  for (;;) {
    const auto result = stream->handshake();
    if (result.state == net::Io::kDone) return std::move(*stream);
    if (result.state == net::Io::kClosed || result.state == net::Io::kFailed) die(stream->failure());
    wait_for(*stream, result.state);
  }
}

void send(net::Stream& stream, std::string_view text) {
  while (!text.empty()) {
    const auto result = stream.write(text);
    if (result.state != net::Io::kDone) die("a write failed");
    text.remove_prefix(result.bytes);
  }
}

// Drives its share of the connections: one request in flight on each.
std::uint64_t drive(std::vector<net::Stream> streams, const std::atomic<bool>& is_over) {
  const net::Socket epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (auto& stream : streams) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &stream;
    ::epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, stream.fd(), &event);
    send(stream, kRequest);
  }
  std::uint64_t answers = 0;
  std::vector<epoll_event> events(streams.size());
  std::vector<char> chunk(16 * 1024);
  while (!is_over) {
    const int ready = ::epoll_wait(epoll.fd(), events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < ready; ++i) {
      auto& stream = *static_cast<net::Stream*>(events[static_cast<std::size_t>(i)].data.ptr);
      const auto result = stream.read(chunk.data(), chunk.size());
      if (result.state == net::Io::kWantRead) continue;
      if (result.state != net::Io::kDone) die("a connection broke");
      if (!std::string_view(chunk.data(), result.bytes).ends_with("\"xyz\"}")) die("an answer came in pieces");
      ++answers;
      send(stream, kRequest);
    }
  }
  return answers;
}

void measure_requests(net::Server& server, SSL_CTX* context, int connections, int seconds, int threads) {
  std::vector<std::vector<net::Stream>> shares(static_cast<std::size_t>(threads));
  for (int i = 0; i < connections; ++i) {
    shares[static_cast<std::size_t>(i % threads)].push_back(connect(context, server.port()));
  }
  std::atomic<bool> is_over = false;
  std::vector<std::future<std::uint64_t>> clients;
  const double cpu_before = server_cpu_seconds(server);
  const auto begin = Clock::now();
  for (auto& share : shares) {
    clients.push_back(std::async(std::launch::async,
                                 [&, own = std::move(share)]() mutable { return drive(std::move(own), is_over); }));
  }
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  is_over = true;
  std::uint64_t answers = 0;
  for (auto& client : clients) answers += client.get();
  const double wall = std::chrono::duration<double>(Clock::now() - begin).count();
  const double cpu = server_cpu_seconds(server) - cpu_before;
  std::printf("%-34s %12.0f\n", "requests a second", static_cast<double>(answers) / wall);
  std::printf("%-34s %12.2f\n", "server CPU a request, us", cpu / static_cast<double>(answers) * 1e6);
  std::printf("%-34s %12.0f\n", "requests a second of server CPU", static_cast<double>(answers) / cpu);
}

void measure_waiting(net::Server& server, SSL_CTX* context, int connections) {
  std::vector<net::Stream> streams;
  for (int i = 0; i < connections; ++i) {
    streams.push_back(connect(context, server.port()));
    send(streams.back(), "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  const double cpu_before = server_cpu_seconds(server);
  const auto begin = Clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(5));
  const double wall = std::chrono::duration<double>(Clock::now() - begin).count();
  const double cpu = server_cpu_seconds(server) - cpu_before;
  std::printf("%-34s %12zu\n", "waiting connections", streams.size());
  std::printf("%-34s %12.3f\n", "server CPU while they wait, %", cpu / wall * 100);
  std::printf("%-34s %12.1f\n", "RSS with both ends, MiB", rss_mib());
}

int number(int argc, char** argv, int index, int fallback) {
  if (index >= argc) return fallback;
  const auto value = parse_int(argv[index]);
  if (!value || *value < 1 || *value > 100'000) die("want positive numbers: connections seconds threads");
  return static_cast<int>(*value);
}

}  // namespace

int main(int argc, char** argv) {
  char dir[] = "/tmp/http_bench.XXXXXX";
  if (::mkdtemp(dir) == nullptr) die("cannot make a temporary directory");
  const auto files = net::ensure_certificates(dir, {}, {});
  if (!files) die(files.error().message);
  net::ServerOptions options;
  options.tls = *files;
  std::vector<net::Respond> waiting;
  auto server = net::Server::start(options, [&](net::Request request, net::Respond respond) {
    if (request.target == "/wait") return waiting.push_back(std::move(respond));
    respond({200, "application/json", std::move(request.body), {}});
  });
  if (!server) die(server.error().message);
  const auto context = net::make_client_context(files->ca, true);
  if (!context) die(context.error().message);
  std::filesystem::remove_all(dir);
  const double base = rss_mib();
  measure_requests(**server, context->get(), number(argc, argv, 1, 64), number(argc, argv, 2, 5),
                   number(argc, argv, 3, 2));
  std::printf("%-34s %12.1f\n", "RSS before, MiB", base);
  measure_waiting(**server, context->get(), 1000);
}
