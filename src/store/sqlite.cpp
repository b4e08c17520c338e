#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "store/sqlite_reader.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_session.h"
#include "store/store.h"
#include "store/views.h"
#include "store/writer.h"

namespace ffrtmp::store {
namespace {

// Readers at a time; more queries wait. Two cores serve no more.
constexpr int kReaders = 4;

// Held while the store is open: the session keeps what it wrote, so nobody else may write.
class FileLock {
 public:
  static Result<FileLock> take(const std::string& path) {
    FFRTMP_TRY(create_private_file(path));
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return make_error(Errc::kStoreUnavailable, cat("cannot open ", path));
    FileLock lock(fd);
    struct flock whole {};  // of the open file description: close() of another descriptor does not drop it
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd, F_OFD_SETLK, &whole) != 0)
      return make_error(Errc::kStoreUnavailable, cat(path, " is held by another process: is a master running?"));
    return lock;
  }
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(FileLock lock, Database db, Database checkpoints, const Settings& settings, const Clock& clock,
              IdSource& ids)
      : lock_(std::move(lock)),
        settings_(settings),
        clock_(clock),
        session_(std::move(db), std::move(checkpoints)),
        writer_(session_, live_, settings, clock, ids) {}

  Status start(const std::string& path) {
    for (int i = 0; i < kReaders; ++i) {
      FFRTMP_ASSIGN(Database db, Database::open(path, Database::Mode::kReader));
      readers_.add(std::make_unique<SqliteReader>(std::move(db), live_));
    }
    FFRTMP_TRY(session_.load());
    return writer_.start();
  }

  void apply(Command command, Done done) override { writer_.apply(std::move(command), std::move(done)); }
  void set_listener(Listener listener) override { writer_.set_listener(std::move(listener)); }
  Status check() override { return writer_.probe(); }

  Result<std::optional<JobDetail>> job(const JobRef& ref) override {
    return readers_.with([&](SqliteReader& reader) { return reader.job(ref); });
  }
  Result<JobPage> list_jobs(const JobFilter& filter, std::optional<std::int64_t> before_sequence, int limit) override {
    return readers_.with([&](SqliteReader& reader) { return reader.list_jobs(filter, before_sequence, limit); });
  }
  Result<std::vector<NodeView>> nodes() override {
    FFRTMP_ASSIGN(auto nodes, readers_.with([](SqliteReader& reader) { return reader.nodes(); }));
    std::vector<NodeView> views;
    for (model::Node& node : nodes)
      views.push_back(make_node_view(std::move(node), live_, clock_.now().boot, settings_.intervals));
    return views;
  }
  Result<std::vector<KeyRecord>> keys() override {
    return readers_.with([](SqliteReader& reader) { return reader.keys(); });
  }
  Result<std::vector<SlaCount>> sla_counts(std::optional<UtcTime> from, std::optional<UtcTime> to) override {
    return readers_.with([&](SqliteReader& reader) { return reader.sla_counts(from, to); });
  }
  Result<std::map<model::JobState, std::int64_t>> count_by_state() override { return live_.counts(); }

 private:
  FileLock lock_;
  const Settings settings_;
  const Clock& clock_;
  LiveTable live_;
  SqliteSession session_;
  ReaderPool readers_;
  Writer writer_;
};

Result<std::unique_ptr<Store>> open_files(const std::string& path, const Settings& settings, const Clock& clock,
                                          IdSource& ids) {
  FFRTMP_ASSIGN(FileLock lock, FileLock::take(path + ".lock"));
  FFRTMP_TRY(create_private_file(path));
  FFRTMP_ASSIGN(Database db, Database::open(path, Database::Mode::kWriter));
  FFRTMP_TRY(migrate(db));
  FFRTMP_ASSIGN(Database checkpoints, Database::open(path, Database::Mode::kWriter));
  auto store =
      std::make_unique<SqliteStore>(std::move(lock), std::move(db), std::move(checkpoints), settings, clock, ids);
  FFRTMP_TRY(store->start(path));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path, const Settings& settings, const Clock& clock,
                                                 IdSource& ids) {
  auto store = open_files(path, settings, clock, ids);
  if (!store) return std::move(store).error().within(cat("database ", path));
  return store;
}

}  // namespace ffrtmp::store
