#include "worker/attempt_dir.h"

#include <filesystem>

#include "base/log.h"
#include "base/text.h"
#include "json/json.h"
#include "sys/file_io.h"

namespace ffrtmp::worker {

Status AttemptDir::create() const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) return make_error(Errc::kIo, cat("cannot make ", path_, ": ", error.message()));
  std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
  return {};
}

Status AttemptDir::save_notes(const Notes& notes) const {
  return sys::write_atomic(path_ + "/worker.json", json::encode(notes), 0600, sys::Sync::kYes);
}

Result<Notes> AttemptDir::load_notes() const {
  FFRTMP_ASSIGN(const std::string text, sys::read_text(path_ + "/worker.json"));
  return json::decode<Notes>(text, json::UnknownKeys::kIgnore);
}

Status AttemptDir::save_result(const model::AttemptResult& result) const {
  return sys::write_atomic(path_ + "/result.json", json::encode(result), 0600, sys::Sync::kYes);
}

Result<model::AttemptResult> AttemptDir::load_result() const {
  FFRTMP_ASSIGN(const std::string text, sys::read_text(path_ + "/result.json"));
  return json::decode<model::AttemptResult>(text, json::UnknownKeys::kIgnore);
}

void AttemptDir::remove() const {
  std::error_code error;
  // The notes go first: what a death over the rest leaves would else be taken for an attempt without a result.
  std::filesystem::remove(path_ + "/worker.json", error);
  std::filesystem::remove_all(path_, error);
  if (error) log::warn("attempt directory stays", {{"path", path_}, {"err", error.message()}});
}

std::vector<Notes> AttemptDir::left_over(const std::string& attempts_dir) {
  std::vector<Notes> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(attempts_dir, error)) {
    const auto id = parse_uuid(entry.path().filename().string());
    if (!id) continue;
    const AttemptDir dir(attempts_dir, *id);
    if (auto notes = dir.load_notes()) found.push_back(std::move(*notes));
    else dir.remove();
  }
  return found;
}

}  // namespace ffrtmp::worker
