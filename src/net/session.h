#pragma once
// One connection of the server.
//
//   kHandshake -> kHead -> kBody -> kHandling -> kWriting -> kHead …      kept connection
//                   |        |                       |
//                   +--------+--- 400 408 413 431 ---+-> kLingering -> kClosed
//
// While a request is handled the socket stays watched: a peer that closes frees the session, bytes that come early are
// kept for the next request. After a last answer the session lingers: it takes some of what the peer still sends, since
// closing over unread bytes resets the connection and may destroy the answer on its way.
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/loop.h"
#include "net/message_reader.h"
#include "net/server.h"
#include "net/stream.h"

namespace ffrtmp::net {

class Session;
using Sessions = std::list<std::shared_ptr<Session>>;

// What the sessions of a server share. Only its loop's thread touches it, except `loop` itself.
struct ServerCore : std::enable_shared_from_this<ServerCore> {
  std::unique_ptr<Loop> loop;
  ServerOptions options;
  Handler handler;
  SslCtxPtr tls;
  std::string scratch;  // where all sessions read to, one after the other
  Sessions sessions;
  bool is_accepting = true;
};

class Session final : public Watcher, public std::enable_shared_from_this<Session> {
 public:
  Session(ServerCore& core, Stream stream, std::string peer);

  // Puts the session under watch and into core.sessions. False when the kernel refuses.
  [[nodiscard]] bool start();
  void on_ready(std::uint32_t epoll_events) override;
  // The answer to request number `sequence` of this connection; ignored when it is not the one that waits.
  void deliver(std::uint64_t sequence, Response response);
  // Acts on a deadline that has passed.
  void expire(Loop::TimePoint now);
  // Whether no answer is owed.
  [[nodiscard]] bool is_idle() const { return phase_ != Phase::kHandling && phase_ != Phase::kWriting; }
  // Whether a handler is running for this session right now; an answer given then needs no detour over the loop.
  [[nodiscard]] bool is_calling() const { return is_calling_; }
  void close();

 private:
  enum class Phase { kHandshake, kHead, kBody, kHandling, kWriting, kLingering, kClosed };

  void pump();
  bool step();
  bool shake_hands();
  bool receive();
  bool watch_peer();
  bool send();
  bool linger();

  IoResult read();
  bool wait_for(Io state);
  void take(std::string_view fresh);
  [[nodiscard]] bool accept_head();
  void handle();
  void fail(int status, std::string_view message);
  void fail(ReadState state);
  void reply(const Response& response);
  void after_reply();
  void expect_request();
  void set_interest(std::uint32_t epoll_events);
  void set_deadline(std::chrono::milliseconds from_now);

  ServerCore& core_;  // owns this
  Stream stream_;
  std::string peer_;
  RequestReader reader_;
  std::string input_;   // came, but not taken by the reader yet
  std::string output_;  // answer on its way
  std::size_t sent_ = 0;
  std::optional<Loop::TimePoint> deadline_;
  Sessions::iterator place_;
  std::shared_ptr<const void> connection_ = std::make_shared<char>();  // see Request::connection
  std::uint64_t sequence_ = 0;
  std::size_t linger_left_ = 0;
  std::uint32_t interest_ = 0;
  Phase phase_ = Phase::kHandshake;
  bool is_readable_ = false;  // epoll said so, and no read since has shown otherwise
  bool has_begun_ = false;    // a byte of the request has come
  bool is_starved_ = true;    // the reader needs more than input_ holds
  bool is_pumping_ = false;
  bool is_calling_ = false;
  bool keep_alive_ = false;
  bool is_head_ = false;
  bool is_http_1_0_ = false;
};

}  // namespace ffrtmp::net
