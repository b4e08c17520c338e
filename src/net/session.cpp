#include "net/session.h"

#include <openssl/ssl.h>
#include <sys/epoll.h>

#include <atomic>
#include <exception>

#include "base/log.h"

namespace ffrtmp::net {
namespace {

// Steps in a row before other connections get their turn.
constexpr int kStepsPerTurn = 32;
// What a peer may send ahead while its request is handled; beyond it TCP holds it back.
constexpr std::size_t kAheadLimit = 64 * 1024;
// Taken and thrown away after a last answer: enough for the 2 MiB of a body that was refused, not for 2 GiB.
constexpr std::size_t kLingerLimit = 4 * 1024 * 1024;
constexpr std::chrono::milliseconds kLingerTime{5000};
// An answer buffer up to this size is kept for the next answer of the connection.
constexpr std::size_t kKeptBuffer = 1024;

// The one answer that a handler owes, on its way from whatever thread it comes.
class Reply {
 public:
  Reply(ServerCore& core, std::weak_ptr<Session> session, std::uint64_t sequence)
      : core_(core.weak_from_this()), session_(std::move(session)), sequence_(sequence) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() {
    if (!is_sent_) drop();
  }

  void send(Response response) {
    if (is_sent_.exchange(true)) return;
    const auto core = core_.lock();
    if (!core) return;  // the server has gone
    if (core->loop->on_thread()) {
      // Into another session than the calling one only by way of the loop: answers that wake each other must not nest.
      const auto session = session_.lock();
      if (!session) return;
      if (session->is_calling()) return session->deliver(sequence_, std::move(response));
    }
    core->loop->post([session = session_, sequence = sequence_, response = std::move(response)]() mutable {
      if (const auto open = session.lock()) open->deliver(sequence, std::move(response));
    });
  }

 private:
  void drop() {
    const auto core = core_.lock();
    if (!core) return;
    Response response{500, "application/json", {}, {}};
    if (core->options.error_body) response.body = core->options.error_body(500, "the request was dropped");
    send(std::move(response));
  }

  std::weak_ptr<ServerCore> core_;
  std::weak_ptr<Session> session_;
  std::uint64_t sequence_;
  std::atomic<bool> is_sent_{false};
};

}  // namespace

Session::Session(ServerCore& core, Stream stream, std::string peer)
    : core_(core), stream_(std::move(stream)), peer_(std::move(peer)) {}

bool Session::start() {
  interest_ = EPOLLIN;
  if (!core_.loop->watch(stream_.fd(), interest_, *this)) return false;
  place_ = core_.sessions.insert(core_.sessions.end(), shared_from_this());
  set_deadline(core_.options.handshake_timeout);
  if (stream_.ssl() == nullptr) {
    phase_ = Phase::kHead;
    set_deadline(core_.options.header_timeout);
  }
  return true;
}

void Session::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  deadline_.reset();
  connection_.reset();
  core_.loop->forget(stream_.fd());
  stream_.close();
  core_.loop->post([self = shared_from_this()] {});  // events of this turn may still name it
  core_.sessions.erase(place_);
}

void Session::on_ready(std::uint32_t epoll_events) {
  if (phase_ == Phase::kClosed) return;
  if ((epoll_events & (EPOLLERR | EPOLLHUP)) != 0) return close();
  if ((epoll_events & EPOLLIN) != 0) is_readable_ = true;
  pump();
}

void Session::pump() {
  if (is_pumping_) return;
  is_pumping_ = true;
  const auto self = shared_from_this();
  int steps = 0;
  while (phase_ != Phase::kClosed && step()) {
    if (++steps < kStepsPerTurn) continue;
    core_.loop->post([self] { self->pump(); });
    break;
  }
  is_pumping_ = false;
}

// True when there may be more to do at once, false when an event has to come first.
bool Session::step() {
  switch (phase_) {
    case Phase::kHandshake:
      return shake_hands();
    case Phase::kHead:
    case Phase::kBody:
      return receive();
    case Phase::kHandling:
      return watch_peer();
    case Phase::kWriting:
      return send();
    case Phase::kLingering:
      return linger();
    case Phase::kClosed:
      return false;
  }
  return false;
}

bool Session::shake_hands() {
  const auto result = stream_.handshake();
  if (result.state != Io::kDone) return wait_for(result.state);
  phase_ = Phase::kHead;
  is_readable_ = true;  // the request may have come with the end of the handshake
  set_deadline(core_.options.header_timeout);
  return true;
}

IoResult Session::read() {
  if (!is_readable_ && !stream_.has_pending()) return {Io::kWantRead, 0};
  const auto result = stream_.read(core_.scratch.data(), core_.scratch.size());
  // After a short read epoll tells of more; asking the kernel again would cost a call a request.
  is_readable_ = result.state == Io::kDone && result.bytes == core_.scratch.size();
  return result;
}

// Arms the event that `state` asks for; closes where none can help. Always false, as step() wants it.
bool Session::wait_for(Io state) {
  if (state == Io::kWantRead) {
    set_interest(EPOLLIN);
  } else if (state == Io::kWantWrite) {
    set_interest(EPOLLOUT);
  } else {
    close();
  }
  return false;
}

bool Session::receive() {
  if (!is_starved_) {
    take({});
    return true;
  }
  const auto result = read();
  if (result.state != Io::kDone) return wait_for(result.state);
  if (phase_ == Phase::kBody) set_deadline(core_.options.body_timeout);
  if (!has_begun_) set_deadline(core_.options.header_timeout);
  has_begun_ = true;
  take({core_.scratch.data(), result.bytes});
  return true;
}

void Session::take(std::string_view fresh) {
  std::string_view data = fresh;
  if (!input_.empty()) {
    input_ += fresh;
    data = input_;
  }
  ReadStep step = reader_.put(data);
  std::size_t used = step.used;
  while (step.state == ReadState::kHead) {
    if (!accept_head()) return;
    step = reader_.put(data.substr(used));
    used += step.used;
  }
  std::string rest(data.substr(used));
  input_.swap(rest);
  is_starved_ = true;
  if (step.state == ReadState::kDone) return handle();
  if (step.state != ReadState::kMore) fail(step.state);
}

bool Session::accept_head() {
  const auto& limit = core_.options.body_limit;
  const std::size_t bytes = limit ? limit(reader_.method(), reader_.path()) : kAheadLimit;
  if (!reader_.set_body_limit(bytes)) {
    fail(ReadState::kBodyTooLarge);
    return false;
  }
  phase_ = Phase::kBody;
  set_deadline(core_.options.body_timeout);
  if (!reader_.expects_continue()) return true;
  // A socket that has no room for 25 bytes belongs to a peer that does not read.
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  const auto result = stream_.write(kContinue);
  if (result.state == Io::kDone && result.bytes == kContinue.size()) return true;
  close();
  return false;
}

void Session::handle() {
  phase_ = Phase::kHandling;
  deadline_.reset();
  keep_alive_ = reader_.keep_alive();
  is_http_1_0_ = reader_.is_http_1_0();
  Request request = reader_.take();
  is_head_ = request.method == "HEAD";
  request.peer = peer_;
  request.connection = connection_;
  auto reply_slot = std::make_shared<Reply>(core_, weak_from_this(), ++sequence_);
  is_calling_ = true;
  try {
    core_.handler(std::move(request),
                  [slot = std::move(reply_slot)](Response response) { slot->send(std::move(response)); });
  } catch (const std::exception& e) {
    log::error("a request handler threw", {{"error", e.what()}});  // the dropped Respond answers 500
  }
  is_calling_ = false;
}

bool Session::watch_peer() {
  if (input_.size() >= kAheadLimit) {
    set_interest(0);
    return false;
  }
  const auto result = read();
  if (result.state != Io::kDone) return wait_for(result.state);
  input_.append(core_.scratch.data(), result.bytes);
  is_starved_ = false;
  return true;
}

void Session::deliver(std::uint64_t sequence, Response response) {
  if (phase_ != Phase::kHandling || sequence != sequence_) return;
  reply(response);
  pump();
}

void Session::reply(const Response& response) {
  keep_alive_ = keep_alive_ && core_.is_accepting;
  encode_response(output_, response, keep_alive_, is_http_1_0_, is_head_);
  phase_ = Phase::kWriting;
  set_deadline(core_.options.write_timeout);
}

void Session::fail(int status, std::string_view message) {
  Response response{status, "application/json", {}, {}};
  if (core_.options.error_body) response.body = core_.options.error_body(status, message);
  keep_alive_ = false;
  is_head_ = false;
  is_http_1_0_ = false;
  reply(response);
}

void Session::fail(ReadState state) {
  if (state == ReadState::kHeaderTooLarge) return fail(431, "the header is larger than 16 KiB");
  if (state == ReadState::kBodyTooLarge) return fail(413, "the body is larger than this route takes");
  fail(400, "this is no HTTP/1.1 request");
}

bool Session::send() {
  while (sent_ < output_.size()) {
    const auto result = stream_.write(std::string_view(output_).substr(sent_));
    if (result.state != Io::kDone) return wait_for(result.state);
    sent_ += result.bytes;
    set_deadline(core_.options.write_timeout);
  }
  after_reply();
  return true;
}

void Session::after_reply() {
  output_.clear();
  sent_ = 0;
  if (output_.capacity() > kKeptBuffer) output_ = {};
  if (keep_alive_) return expect_request();
  phase_ = Phase::kLingering;
  linger_left_ = kLingerLimit;
  set_deadline(kLingerTime);
  stream_.finish_sending();
}

void Session::expect_request() {
  phase_ = Phase::kHead;
  reader_.reset();
  is_starved_ = input_.empty();
  has_begun_ = !is_starved_;
  set_deadline(has_begun_ ? core_.options.header_timeout : core_.options.idle_timeout);
}

bool Session::linger() {
  const auto result = stream_.discard(core_.scratch.data(), core_.scratch.size());
  if (result.state != Io::kDone) return wait_for(result.state);
  if (result.bytes >= linger_left_) {
    close();
    return false;
  }
  linger_left_ -= result.bytes;
  return true;
}

void Session::expire(Loop::TimePoint now) {
  if (!deadline_ || now < *deadline_) return;
  const bool is_request_late = has_begun_ && (phase_ == Phase::kHead || phase_ == Phase::kBody);
  if (!is_request_late) return close();
  fail(408, "the request took too long to come");
  pump();
}

void Session::set_interest(std::uint32_t epoll_events) {
  if (interest_ == epoll_events) return;
  interest_ = epoll_events;
  core_.loop->change(stream_.fd(), epoll_events, *this);
}

void Session::set_deadline(std::chrono::milliseconds from_now) { deadline_ = core_.loop->now() + from_now; }

}  // namespace ffrtmp::net
