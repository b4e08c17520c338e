#pragma once
// SOCK_SEQPACKET between processes of one host: a message stays a message, the peer's end is seen at once.
// Paths may be longer than sockaddr_un's 108 bytes: they are then reached through the directory's descriptor.
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/host.h"

namespace ffrtmp::sys {

// Non-blocking, mode 0600; a file left at `path` by an earlier run is replaced.
[[nodiscard]] Result<Fd> listen_unix(const Host& host, const std::string& path);
// kGone when there is no such file or nobody listens.
[[nodiscard]] Result<Fd> connect_unix(const Host& host, const std::string& path);
[[nodiscard]] Result<std::pair<Fd, Fd>> make_unix_pair();
// Non-blocking; nothing waiting is kTimeout.
[[nodiscard]] Result<Fd> accept_unix(const Fd& listener);

// One whole message. kUnavailable when the peer is gone or, on a non-blocking socket, does not read.
[[nodiscard]] Status send_message(const Fd& socket, std::string_view message);
// kTimeout when none comes within `wait`, kUnavailable when the peer is gone, kTooLarge beyond `max_bytes`.
[[nodiscard]] Result<std::string> receive_message(const Fd& socket, std::chrono::milliseconds wait,
                                                  std::size_t max_bytes);

}  // namespace ffrtmp::sys
