#include "tests/transcode/job_way.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/engine.h"
#include "tests/support/clips.h"

namespace ffrtmp::test {
namespace {

engine::InputFacts facts_of(const WayJob& job, const std::string& demuxer, const media::Probe& probe,
                            const media::StreamChoice& choice) {
  engine::InputFacts facts;
  facts.path = job.input;
  facts.demuxer = demuxer;
  facts.has_video = choice.video_streams > 0;
  facts.has_audio = choice.audio_streams > 0;
  for (const auto& stream : probe.streams)
    if (stream.type == "video" && !stream.is_attached_pic && !facts.width) {
      const bool turned = stream.rotation_degrees % 180 != 0;
      facts.width = turned ? stream.height : stream.width;
      facts.height = turned ? stream.width : stream.height;
    }
  facts.maps = choice.maps;
  facts.subtitle_encoders = choice.subtitle_encoders;
  return facts;
}

Encoded stop(std::string stopped, std::string words) {
  Encoded out;
  out.stopped = std::move(stopped);
  out.words = std::move(words);
  return out;
}

}  // namespace

Encoded encode(const WayJob& job, const std::string& output) {
  const auto demuxer = media::sniff_demuxer(job.input);
  if (!demuxer) return stop("input", demuxer.error().message);
  const auto probe = media::probe_file(job.input, {"ffprobe", *demuxer, true}, tool());
  if (!probe) return stop("input", probe.error().message);
  const auto muxer = media::muxer_for(output);
  if (!muxer) return stop("plan", muxer.error().message);
  const auto choice = media::choose_streams(*probe, job.parameters, *muxer);
  if (!choice) return stop("choice", choice.error().message);
  const auto expected = media::expect_output(*probe, job.parameters, choice->maps, *muxer);
  if (!expected) return stop("input", expected.error().message);
  const auto facts = facts_of(job, *demuxer, *probe, *choice);
  const auto encoder = job.parameters.codec == "h264" ? "libx264" : job.parameters.codec;
  engine::PlanRequest request{job.parameters, facts, output, *muxer, encoder, std::nullopt, job.program};
  request.segment_pattern = output.substr(0, output.rfind('/')) + "/out.%05d.ts";
  const auto plan = engine::plan_ffmpeg(request);
  if (!plan) return stop("plan", plan.error().message);
  auto argv = plan->argv;
  const TempDir dir;
  for (auto& arg : argv)
    if (arg == "{progress}") arg = dir / "progress";
  const auto ran = tool()(argv, std::chrono::seconds(60));
  if (!ran) return stop("engine", ran.error().message);
  if (ran->exit_code != 0) return stop("engine", engine::diagnose(ran->exit_code, std::nullopt, ran->err).error);
  if (const auto lines = engine::error_lines(ran->err); !lines.empty()) return stop("engine said", lines.front());
  Encoded out{"", "", output, *expected, {job.level, "ffmpeg", "ffprobe", *muxer, std::nullopt}, choice->left_out};
  out.left_out.insert(out.left_out.end(), expected->changes.left_out.begin(), expected->changes.left_out.end());
  if (facts.has_video && job.parameters.codec != "copy")
    out.options.frames_encoded = engine::parse_progress(read_file(dir / "progress"), std::nullopt).frame;
  return out;
}

std::string judge(const Encoded& encoded, const std::string& path) {
  const auto verdict = media::verify_output(path, encoded.expected, encoded.options, tool());
  if (!verdict) return cat("not judged: ", verdict.error().message);
  EXPECT_EQ(verdict->good, verdict->output.verified);
  return verdict->good ? "good" : cat("output: ", verdict->error);
}

std::string refusal(const WayJob& job, const std::function<void(const std::string&)>& spoil) {
  const TempDir dir;
  const Encoded encoded = encode(job, dir / ("out." + job.extension));
  if (!encoded.stopped.empty()) return cat(encoded.stopped, ": ", encoded.words);
  if (spoil) spoil(encoded.output);
  return judge(encoded, encoded.output);
}

}  // namespace ffrtmp::test
