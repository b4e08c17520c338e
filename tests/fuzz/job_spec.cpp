#include "api/codec.h"
#include "engine/engine.h"
#include "model/spec_rules.h"
#include "tests/fuzz/fuzz.h"

namespace ffrtmp::fuzz {

void job_spec(std::string_view data) {
  auto spec = api::decode_job_spec(data, 3);
  if (!spec) {
    must(http_status(spec.error().code) == 400 || http_status(spec.error().code) == 422, "a fault of the caller's");
    return;
  }
  if (const auto again = api::decode_job_spec(api::encode(*spec), 3); !again)
    must(false, "what was read can be written and read again");
  if (const Status checked = model::check_spec(*spec); !checked) {
    must(!checked.error().field.empty(), "a rule names its field");
    return;
  }
  must(spec->max_retries >= 0 && spec->max_retries <= 10, "retries keep their range");
  const auto parameters = model::resolve_parameters(*spec, model::parse_scenario(spec->scenario));
  if (!parameters) {
    must(parameters.error().field.starts_with("parameters"), "a rule names its field");
    return;
  }
  for (const auto& path : {parameters->input, parameters->output}) {
    if (!path) continue;
    must(!path->empty() && !path->starts_with('-'), "no path reads as an option");
    must(path->find('\0') == std::string::npos && path->find('\n') == std::string::npos, "a path is one line");
    if (path->starts_with('/')) must((*path + "/").find("/../") == std::string::npos, "no way up");
  }
  engine::InputFacts facts;
  facts.path = "/media/in.mkv";
  facts.demuxer = "matroska,webm";
  facts.has_video = facts.has_audio = true;
  facts.maps = {"0:v:0", "0:a:0"};
  const auto plan = engine::plan_ffmpeg({*parameters, facts, "/media/out.part.mp4", "mp4", "libx264", std::nullopt, "ffmpeg", 2});
  if (!plan) return;
  must(plan->argv.front() == "ffmpeg" && plan->argv.back().ends_with("/media/out.part.mp4"),
       "program and output stand");
  for (const std::string& argument : plan->argv)
    must(argument.find('\0') == std::string::npos, "an argument has no zero");
}

}  // namespace ffrtmp::fuzz
