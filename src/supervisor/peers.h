#pragma once
// The workers connected to a supervisor: one at a time in practice, with a connection for waiting and one for orders.
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "supervisor/protocol.h"
#include "sys/fd.h"

namespace ffrtmp::supervisor {

class Peers {
 public:
  // Carries a request out; the error becomes the reply's.
  using Handler = std::function<Status(const Request&)>;
  using MakeReply = std::function<Reply()>;

  // All sockets are watched by `epoll`, which outlives this. `first` is the connection of the worker that started us.
  Peers(int epoll, sys::Fd listener, sys::Fd first, Handler handler, MakeReply make_reply);

  [[nodiscard]] int listener_fd() const { return listener_.get(); }
  [[nodiscard]] bool empty() const { return peers_.empty(); }
  // The end of the attempt was put into the hands of at least one.
  [[nodiscard]] bool told_exit() const { return told_exit_; }

  void accept_all();
  // Reads what `fd` has to say; a descriptor that is none of ours is ignored.
  void serve(int fd, BootTime now);
  // Answers the waiting ones that have something to learn or waited long enough.
  void answer_waiting(std::int64_t version, bool ended, BootTime now);
  [[nodiscard]] std::optional<BootTime> next_timeout() const;

 private:
  struct Waiting {
    std::int64_t seen = 0;
    BootTime until;
  };
  struct Peer {
    sys::Fd socket;
    std::optional<Waiting> waiting;
  };
  void add(sys::Fd socket);
  // False when the peer is gone.
  bool handle(Peer& peer, const std::string& message, BootTime now);
  bool reply(Peer& peer, std::string error);

  int epoll_;
  sys::Fd listener_;
  Handler handler_;
  MakeReply make_reply_;
  std::vector<Peer> peers_;
  bool told_exit_ = false;
};

}  // namespace ffrtmp::supervisor
