#include "supervisor/peers.h"

#include <sys/epoll.h>

#include <algorithm>

#include "sys/unix_socket.h"

namespace ffrtmp::supervisor {
namespace {

constexpr std::size_t kMaxPeers = 16;
constexpr std::size_t kMaxRequestBytes = 4096;
constexpr std::chrono::milliseconds kMaxWait{60'000};

}  // namespace

Peers::Peers(int epoll, sys::Fd listener, sys::Fd first, Handler handler, MakeReply make_reply)
    : epoll_(epoll), listener_(std::move(listener)), handler_(std::move(handler)), make_reply_(std::move(make_reply)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener_.get();
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_.get(), &event);
  if (first) add(std::move(first));
}

void Peers::add(sys::Fd socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = socket.get();
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.get(), &event) == 0) peers_.push_back({std::move(socket), {}});
}

void Peers::accept_all() {
  for (;;) {
    auto socket = sys::accept_unix(listener_);
    if (!socket) return;
    if (peers_.size() < kMaxPeers) add(std::move(socket).value());
  }
}

void Peers::serve(int fd, BootTime now) {
  const auto peer = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& p) { return p.socket.get() == fd; });
  if (peer == peers_.end()) return;
  for (;;) {
    const auto message = sys::receive_message(peer->socket, std::chrono::milliseconds(0), kMaxRequestBytes);
    if (!message && message.error().code == Errc::kTimeout) return;
    if (!message || !handle(*peer, *message, now)) {
      peers_.erase(peer);  // closing takes it out of the epoll set
      return;
    }
  }
}

bool Peers::handle(Peer& peer, const std::string& message, BootTime now) {
  const auto request = decode_request(message);
  if (!request) return reply(peer, request.error().message);
  if (request->op == Op::kWait) {
    const auto wait = std::clamp(std::chrono::milliseconds(request->wait_ms), std::chrono::milliseconds(0), kMaxWait);
    peer.waiting = Waiting{request->seen, now + wait};
    return true;  // answer_waiting follows each turn of the loop
  }
  const Status status = handler_(*request);
  return reply(peer, status ? std::string() : status.error().message);
}

bool Peers::reply(Peer& peer, std::string error) {
  peer.waiting.reset();
  Reply text = make_reply_();
  text.error = std::move(error);
  const bool sent = sys::send_message(peer.socket, encode_reply(text)).has_value();
  told_exit_ |= sent && text.state.exit.has_value();
  return sent;
}

void Peers::answer_waiting(std::int64_t version, bool ended, BootTime now) {
  std::erase_if(peers_, [&](Peer& peer) {
    if (!peer.waiting) return false;
    if (!ended && peer.waiting->seen == version && now < peer.waiting->until) return false;
    return !reply(peer, {});
  });
}

std::optional<BootTime> Peers::next_timeout() const {
  std::optional<BootTime> next;
  for (const Peer& peer : peers_)
    if (peer.waiting) next = next ? std::min(*next, peer.waiting->until) : peer.waiting->until;
  return next;
}

}  // namespace ffrtmp::supervisor
