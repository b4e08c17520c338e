#include "sys/proc_events.h"

#include <arpa/inet.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace ffrtmp::sys {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBatch = 64;
// Header, connector message and event are 76 bytes; newer kernels may add to the event.
constexpr std::size_t kMessageBytes = 256;

// struct proc_input of Linux 6.6; the headers here may be older. Kernels before it ignore a message of this size.
struct ProcInput {
  std::uint32_t operation;
  std::uint32_t events;
};

template <class Operation>
Status send_operation(const Fd& socket, const Operation& operation) {
  std::array<char, NLMSG_HDRLEN + sizeof(cn_msg) + sizeof operation> request{};
  nlmsghdr header{};
  header.nlmsg_len = request.size();
  header.nlmsg_type = NLMSG_DONE;
  cn_msg message{};
  message.id = {CN_IDX_PROC, CN_VAL_PROC};
  message.len = sizeof operation;
  std::memcpy(request.data(), &header, sizeof header);
  std::memcpy(request.data() + NLMSG_HDRLEN, &message, sizeof message);
  std::memcpy(request.data() + NLMSG_HDRLEN + sizeof message, &operation, sizeof operation);
  if (send(socket.get(), request.data(), request.size(), 0) < 0) return last_sys_error("subscribe to process events");
  return {};
}

// Lets through what confirms a subscription and what is of this kind.
Status filter(const Fd& socket, ProcEvents::Kind kind) {
  constexpr std::uint32_t kWhatAt = NLMSG_HDRLEN + sizeof(cn_msg) + offsetof(proc_event, what);
  // A filter reads numbers as the network orders them, whatever order they are in.
  std::array<sock_filter, 5> steps{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kWhatAt),
                                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(static_cast<std::uint32_t>(kind)), 1, 0),
                                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_RET | BPF_K, ~0u),
                                    BPF_STMT(BPF_RET | BPF_K, 0)}};
  const sock_fprog program{steps.size(), steps.data()};
  if (setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    return last_sys_error("filter process events");
  return {};
}

// The event of one datagram, when the kernel sent it and it is one.
bool unpack(const char* data, std::size_t size, const sockaddr_nl& from, proc_event& event) {
  if (from.nl_pid != 0 || size < sizeof(nlmsghdr) + sizeof(cn_msg)) return false;
  cn_msg message{};
  std::memcpy(&message, data + NLMSG_HDRLEN, sizeof message);
  if (message.id.idx != CN_IDX_PROC || message.id.val != CN_VAL_PROC) return false;
  event = {};
  std::memcpy(&event, data + NLMSG_HDRLEN + sizeof message,
              std::min(size - NLMSG_HDRLEN - sizeof message, sizeof event));
  return true;
}

Status wait_confirmed(const Fd& socket, milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd item{socket.get(), POLLIN, 0};
    const int ready = left > 0 ? poll(&item, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno != EINTR) return last_sys_error("poll");
    if (ready == 0)
      return make_error(Errc::kUnsupported, "the kernel does not answer (not in the initial namespaces?)");
    std::array<char, kMessageBytes> data;
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const ssize_t got =
        recvfrom(socket.get(), data.data(), data.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    proc_event event{};
    if (got <= 0 || !unpack(data.data(), static_cast<std::size_t>(got), from, event)) continue;
    // Events that come first are of before the first scan, which sees what they tell.
    if (static_cast<std::uint32_t>(event.what) != 0) continue;
    if (event.event_data.ack.err != 0)
      return sys_error("subscribe to process events", static_cast<int>(event.event_data.ack.err));
    return {};
  }
}

}  // namespace

Result<ProcEvents> ProcEvents::open(Kind kind, const Options& options) {
  Fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR));
  if (!socket) return last_sys_error("open the process connector");
  if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &options.buffer_bytes, sizeof options.buffer_bytes) != 0)
    (void)setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &options.buffer_bytes, sizeof options.buffer_bytes);
  FFRTMP_TRY(filter(socket, kind));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = CN_IDX_PROC;
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return last_sys_error("join the process connector");
  FFRTMP_TRY(send_operation(socket, static_cast<std::uint32_t>(PROC_CN_MCAST_LISTEN)));
  FFRTMP_TRY(wait_confirmed(socket, options.patience));
  // The confirmation is an event too and would fall victim to the connector's choice, hence second and unconfirmed.
  FFRTMP_TRY(send_operation(socket, ProcInput{PROC_CN_MCAST_LISTEN, static_cast<std::uint32_t>(kind)}));
  return ProcEvents(kind, std::move(socket));
}

Result<ProcEvents::Drained> ProcEvents::drain(std::vector<ProcEvent>& events) {
  std::array<std::array<char, kMessageBytes>, kBatch> data;
  std::array<sockaddr_nl, kBatch> from{};
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts[i] = {data[i].data(), data[i].size()};
    messages[i].msg_hdr.msg_name = &from[i];
    messages[i].msg_hdr.msg_namelen = sizeof from[i];
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  Drained drained;
  const int count = recvmmsg(socket_.get(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return drained;
    if (errno != ENOBUFS) return last_sys_error("read process events");
    drained.has_overflowed = drained.has_more = true;
    return drained;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    proc_event event{};
    if (!unpack(data[i].data(), messages[i].msg_len, from[i], event)) continue;
    if (static_cast<std::uint32_t>(event.what) != static_cast<std::uint32_t>(kind_)) continue;
    const std::chrono::nanoseconds at(event.timestamp_ns);
    const auto& exit = event.event_data.exit;
    if (kind_ == Kind::kExec)
      events.push_back({event.event_data.exec.process_tgid, true, 0, at});
    else
      events.push_back(
          {exit.process_tgid, exit.process_pid == exit.process_tgid, static_cast<int>(exit.exit_code), at});
  }
  drained.has_more = count == static_cast<int>(kBatch);
  return drained;
}

}  // namespace ffrtmp::sys
