#pragma once
// Exclusive lock of an open file or directory, gone with its last descriptor (flock(2)).
namespace ffrtmp::sys {

// False when another open file holds it.
[[nodiscard]] bool try_lock(int fd);
// Whether another open file holds it; looking keeps nobody else from looking.
[[nodiscard]] bool is_locked(int fd);

}  // namespace ffrtmp::sys
