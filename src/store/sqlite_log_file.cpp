#include "store/sqlite_log_file.h"

#include <sqlite3.h>

#include <cstring>
#include <new>
#include <string>

namespace ffrtmp::store {
namespace {

constexpr const char* kName = "ffrtmp";
// Bytes. SQLite's own layer cannot write 128 KiB or more at once (seekAndWriteFd in os_unix.c masks the length).
constexpr std::size_t kGather = 96 * 1024;

sqlite3_vfs* base() { return static_cast<sqlite3_vfs*>(sqlite3_vfs_find(nullptr)); }

// What SQLite sees of the log; the file that it stands for lies behind it in the same allocation.
struct LogFile {
  sqlite3_file head;  // first: SQLite casts
  std::string waiting;
  sqlite3_int64 begin = 0;  // offset in the file of what waits

  static LogFile& of(sqlite3_file* file) { return *reinterpret_cast<LogFile*>(file); }
  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }

  int flush() {
    if (waiting.empty()) return SQLITE_OK;
    const int rc = real()->pMethods->xWrite(real(), waiting.data(), static_cast<int>(waiting.size()), begin);
    waiting.clear();  // after a failure the commit fails, and with it all of these pages
    return rc;
  }

  int write(const void* data, int size, sqlite3_int64 offset) {
    const bool follows = offset == begin + static_cast<sqlite3_int64>(waiting.size());
    if (!waiting.empty() && (!follows || waiting.size() + static_cast<std::size_t>(size) > kGather)) {
      if (const int rc = flush(); rc != SQLITE_OK) return rc;
    }
    if (waiting.empty()) begin = offset;
    waiting.append(static_cast<const char*>(data), static_cast<std::size_t>(size));
    return SQLITE_OK;
  }
};

// Everything but a write happens after what waits.
template <auto Method, class... Args>
int after_flush(sqlite3_file* file, Args... args) {
  LogFile& log = LogFile::of(file);
  if (const int rc = log.flush(); rc != SQLITE_OK) return rc;
  return (log.real()->pMethods->*Method)(log.real(), args...);
}

template <auto Method, class... Args>
int pass_on(sqlite3_file* file, Args... args) {
  LogFile& log = LogFile::of(file);
  return (log.real()->pMethods->*Method)(log.real(), args...);
}

int close(sqlite3_file* file) {
  LogFile& log = LogFile::of(file);
  const int flushed = log.flush();
  const int closed = log.real()->pMethods->xClose(log.real());
  log.~LogFile();
  return flushed != SQLITE_OK ? flushed : closed;
}

using Io = sqlite3_io_methods;
constexpr Io kLogMethods{
    .iVersion = 1,
    .xClose = close,
    .xRead = after_flush<&Io::xRead, void*, int, sqlite3_int64>,
    .xWrite = [](sqlite3_file* file, const void* data, int size,
                 sqlite3_int64 offset) { return LogFile::of(file).write(data, size, offset); },
    .xTruncate = after_flush<&Io::xTruncate, sqlite3_int64>,
    .xSync = after_flush<&Io::xSync, int>,
    .xFileSize = after_flush<&Io::xFileSize, sqlite3_int64*>,
    .xLock = pass_on<&Io::xLock, int>,
    .xUnlock = pass_on<&Io::xUnlock, int>,
    .xCheckReservedLock = pass_on<&Io::xCheckReservedLock, int*>,
    .xFileControl = pass_on<&Io::xFileControl, int, void*>,
    .xSectorSize = pass_on<&Io::xSectorSize>,
    .xDeviceCharacteristics = pass_on<&Io::xDeviceCharacteristics>,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  if ((flags & SQLITE_OPEN_WAL) == 0) return base()->xOpen(base(), name, file, flags, out_flags);
  auto* log = new (file) LogFile;
  const int rc = base()->xOpen(base(), name, log->real(), flags, out_flags);
  log->head.pMethods = rc == SQLITE_OK ? &kLogMethods : nullptr;
  if (rc != SQLITE_OK) log->~LogFile();
  return rc;
}

bool register_file_system() {
  if (base() == nullptr) return false;
  static sqlite3_vfs layer = *base();  // all but opening is the base's own
  layer.zName = kName;
  layer.szOsFile += static_cast<int>(sizeof(LogFile));
  layer.xOpen = open;
  return sqlite3_vfs_register(&layer, 0) == SQLITE_OK;
}

}  // namespace

const char* gathering_file_system() {
  static const bool is_registered = register_file_system();
  return is_registered ? kName : nullptr;
}

}  // namespace ffrtmp::store
