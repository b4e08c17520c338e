#pragma once
// What a worker writes down of an attempt, so that its next process can go on. Layout: supervisor/link.h, and
//   worker.json   Notes
//   result.json   the result, written before it is sent and before the output is renamed
#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/wire.h"
#include "base/result.h"
#include "govern/limits.h"
#include "model/outcome.h"
#include "worker/publish.h"

namespace ffrtmp::worker {

// An input that is made for the attempt (input_dir.h).
struct GeneratedInput {
  std::uint64_t inode = 0;
  std::string encoder;
  bool loops = false;     // shorter than the output
  bool is_ready = false;  // whole, under its final name
};
BOOST_DESCRIBE_STRUCT(GeneratedInput, (), (inode, encoder, loops, is_ready))

struct Notes {
  api::ClaimItem claim;
  std::string boot_id;
  std::string input_path;   // resolved
  std::optional<double> input_seconds;  // declared
  std::int64_t input_bytes = 0;
  std::optional<GeneratedInput> generated;
  std::string demuxer;
  std::vector<std::string> maps;
  std::vector<std::string> left_out;
  std::string output_dir;   // resolved
  std::string output_name;
  std::string staged_name;     // empty: nothing is published
  std::string segment_prefix;  // of HLS: staged_name is a directory then
  std::string muxer;
  std::string live_url;        // of a live output, as people may see it
  model::EngineUsed engine;
  std::optional<std::string> gstreamer_error;  // after it ffmpeg goes on
  std::string encoder;
  bool on_hardware = false;
  // Of engines before the present one (a generation, a broken encoder): where their words end in the log, and how long
  // they ran.
  std::int64_t engine_log_begin = 0;
  double earlier_seconds = 0;
  std::optional<std::string> fallback_reason;  // of the software encoder, after the hardware's failure
  std::vector<std::string> command;  // masked argv
  bool may_replace = false;
  // The mark of the staged file (output_dir.h), set before the rename.
  std::uint64_t staged_inode = 0;
  std::int64_t staged_modified_ns = 0;
  std::vector<govern::LimitReport> limits;  // as read back before the engine's birth
};
BOOST_DESCRIBE_STRUCT(Notes, (),
                      (claim, boot_id, input_path, input_seconds, input_bytes, generated, demuxer, maps, left_out,
                       output_dir, output_name, staged_name, segment_prefix, muxer, live_url, engine, gstreamer_error,
                       encoder, on_hardware, engine_log_begin, earlier_seconds, fallback_reason, command, may_replace,
                       staged_inode, staged_modified_ns, limits))

// The move that publishes the output.
[[nodiscard]] Move move_of(const Notes& notes);

class AttemptDir {
 public:
  AttemptDir(std::string attempts_dir, const Uuid& attempt) : path_(std::move(attempts_dir) + "/" + attempt.str()) {}
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Status create() const;
  [[nodiscard]] Status save_notes(const Notes& notes) const;
  [[nodiscard]] Result<Notes> load_notes() const;
  [[nodiscard]] Status save_result(const model::AttemptResult& result) const;
  // kGone: none was written.
  [[nodiscard]] Result<model::AttemptResult> load_result() const;
  void remove() const;

  // All that have a directory.
  [[nodiscard]] static std::vector<Uuid> list(const std::string& attempts_dir);
  // Those with readable notes of their own.
  [[nodiscard]] static std::vector<Notes> left_over(const std::string& attempts_dir);
  // Removes the directories of all attempts but those to keep. After their processes: these are found by it.
  static void sweep(const std::string& attempts_dir, const std::vector<std::string>& keep);

 private:
  std::string path_;
};

}  // namespace ffrtmp::worker
