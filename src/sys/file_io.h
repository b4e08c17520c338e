#pragma once
// Whole small files and exact transfers. EINTR is retried everywhere.
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::sys {

[[nodiscard]] Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0);
// The file's text, kTooLarge when it exceeds `max_bytes`. Also for /proc and cgroup files, whose size reads as 0.
[[nodiscard]] Result<std::string> read_text(const std::string& path, std::size_t max_bytes = 1 << 20);
[[nodiscard]] Result<std::string> read_text_at(int dir, const char* name, std::size_t max_bytes = 1 << 20);
// Of a file that the kernel writes in one piece, as those of a process and most of a cgroup: what is shorter than asked
// for is its end, which saves the read that says so. Not for lists that grow (cgroup.procs, mountinfo). What goes
// beyond `max_bytes`, a multiple of 4 KiB, is left out.
[[nodiscard]] Result<std::string> read_piece(int fd, std::string_view name, std::size_t max_bytes = 1 << 20);
[[nodiscard]] Result<std::string> read_piece_at(int dir, const char* name, std::size_t max_bytes = 1 << 20);
// One write(2) of `text` to an existing file: how the kernel's control files want it.
[[nodiscard]] Status write_piece(int fd, std::string_view name, std::string_view text);
[[nodiscard]] Status write_text_at(int dir, const char* name, std::string_view text);

enum class Sync { kNo, kYes };
// Replaces `path` by rename, so that a reader sees the old or the new text and never a part. With kYes file and
// directory are flushed first, so that it also survives a power cut.
[[nodiscard]] Status write_atomic(const std::string& path, std::string_view text, mode_t mode, Sync sync);
// The same by way of a file `temporary` beside it that nobody else has: an error when there is one of that name.
[[nodiscard]] Status write_atomic(const std::string& path, const std::string& temporary, std::string_view text,
                                  mode_t mode, Sync sync);

[[nodiscard]] Status write_all(int fd, std::string_view data);
[[nodiscard]] Status write_all_at(int fd, std::string_view data, off_t offset);
// Up to `size` bytes at `offset`; fewer only at the end of the file.
[[nodiscard]] Result<std::string> read_at(int fd, std::size_t size, off_t offset);

// What a directory holds, "." and ".." left out; nothing when it cannot be read.
[[nodiscard]] std::vector<std::string> names_in(int dir);

// Makes `path` and missing parents with `mode`; an existing directory is fine.
[[nodiscard]] Status make_directories(const std::string& path, mode_t mode);

}  // namespace ffrtmp::sys
