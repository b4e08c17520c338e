#pragma once
// A file system layer of SQLite that writes the write-ahead log in large pieces. SQLite hands over a commit as two
// small writes a page, a system call each; here they gather until the log is synced, read or grows past a limit. A
// write that fails is told by the sync, which every commit waits for (synchronous=FULL).
namespace ffrtmp::store {

// The name for sqlite3_open_v2; registered at the first call. Null where SQLite has no file system layer to build on.
[[nodiscard]] const char* gathering_file_system();

}  // namespace ffrtmp::store
