#pragma once
// The gate itself: a small process that holds executions of the policy's programs while the daemon puts their process
// into its group. It answers within its budget whatever the daemon does, and ends with it.
//
//   daemon -> gate   B <ns>          the budget
//                    P <path>        one more file; its inode is marked, and marked again when it is replaced
//                    X <path>        this one no more
//                    A               that was all
//                    D <id>          done: allow it
//   gate -> daemon   R               it runs and can be told paths
//                    M               what was told is marked
//                    F <reason>      it cannot be done here
//                    E <id> <pid>\n<path as resolved>\n<path as named>     held
//                    L <id> <pid>    allowed, because the budget had passed
#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::watch {

// Until the daemon's end of `socket` is closed. Whatever comes on `pings` is sent back.
int run_gate(sys::Fd socket, sys::Fd pings);

// Descriptors that the gate's process is started with.
inline constexpr int kGateSocket = 3;
inline constexpr int kGatePings = 4;

}  // namespace ffrtmp::watch
