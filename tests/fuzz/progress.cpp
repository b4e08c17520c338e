#include "supervisor/progress.h"

#include "engine/engine.h"
#include "tests/fuzz/fuzz.h"

namespace ffrtmp::fuzz {

void progress(std::string_view data) {
  if (data.empty()) return;
  const std::size_t piece = 1 + static_cast<std::uint8_t>(data.front()) % 64;
  data.remove_prefix(1);
  supervisor::ProgressParser whole;
  supervisor::ProgressParser pieces;
  (void)whole.feed(data);
  for (std::string_view rest = data; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
    (void)pieces.feed(rest.substr(0, piece));
  must(whole.latest() == pieces.latest(), "how the bytes arrive does not matter");
  (void)supervisor::advance_mark(whole.latest());

  supervisor::ProgressParser pipeline(supervisor::ProgressFormat::kGstreamer);
  supervisor::ProgressParser pipeline_pieces(supervisor::ProgressFormat::kGstreamer);
  (void)pipeline.feed(data);
  for (std::string_view rest = data; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
    (void)pipeline_pieces.feed(rest.substr(0, piece));
  must(pipeline.latest() == pipeline_pieces.latest(), "how the bytes arrive does not matter");

  for (const std::string_view block : {std::string_view(whole.latest()), std::string_view(pipeline.latest()), data}) {
    const model::Progress p = engine::parse_progress(block, 10.0);
    must(!p.percent || (*p.percent >= 0 && *p.percent <= 100), "percent keeps its range");
    must(!p.frame || *p.frame >= 0, "frames are counted from 0");
    must(!p.fps || *p.fps >= 0, "no rate is negative");
    must(!p.speed || *p.speed >= 0, "no speed is negative");
    const model::RunStats stats = engine::run_stats(p, 2.0);
    must(stats.avg_fps.has_value() == p.frame.has_value(), "the unmeasured is absent");
  }
}

}  // namespace ffrtmp::fuzz
