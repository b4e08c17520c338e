#include "worker/attempt_dir.h"

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "base/text.h"
#include "json/json.h"
#include "sys/file_io.h"

namespace ffrtmp::worker {

Move move_of(const Notes& notes) {
  const FileMark mark{notes.staged_inode, notes.staged_modified_ns};
  return {notes.output_dir, notes.staged_name, notes.output_name, notes.may_replace, mark, notes.segment_prefix};
}

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

std::vector<Uuid> AttemptDir::list(const std::string& attempts_dir) {
  std::vector<Uuid> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(attempts_dir, error))
    if (const auto id = parse_uuid(entry.path().filename().string())) ids.push_back(*id);
  return ids;
}

std::vector<Notes> AttemptDir::left_over(const std::string& attempts_dir) {
  std::vector<Notes> found;
  for (const Uuid& id : list(attempts_dir))
    if (auto notes = AttemptDir(attempts_dir, id).load_notes(); notes && notes->claim.attempt.id == id)
      found.push_back(std::move(*notes));
  return found;
}

void AttemptDir::sweep(const std::string& attempts_dir, const std::vector<std::string>& keep) {
  for (const Uuid& id : list(attempts_dir))
    if (std::find(keep.begin(), keep.end(), id.str()) == keep.end()) AttemptDir(attempts_dir, id).remove();
}

}  // namespace ffrtmp::worker
