#include "cli/machine_text.h"

#include "base/text.h"
#include "cli/table_text.h"
#include "model/encoder_choice.h"

namespace ffrtmp::cli {
namespace {

std::string gpus_text(const std::vector<model::Gpu>& gpus) {
  std::vector<std::string> names;
  for (const model::Gpu& gpu : gpus)
    names.push_back(gpu.render_node ? cat(gpu.name, " (", *gpu.render_node, ")") : gpu.name);
  return names.empty() ? "none" : join(names, ", ");
}

}  // namespace

std::string machine_text(const model::NodeFacts& facts, const std::optional<model::Gstreamer>& gstreamer) {
  std::vector<std::pair<std::string, std::string>> pairs{
      {"CPU", cat(facts.cpu_model, facts.cpu_model.empty() ? "" : ", ", facts.cpu_threads, " threads")},
      {"RAM", format_bytes(facts.ram_total_bytes)},
      {"GPU", gpus_text(facts.gpus)}};
  for (const auto& [name, version] : facts.engines) pairs.emplace_back(name, version);
  if (gstreamer && !gstreamer->usable) pairs.emplace_back("gstreamer", cat("not usable: ", gstreamer->reason.value_or("?")));
  if (gstreamer && gstreamer->usable)
    for (const std::string& gap : model::gstreamer_gaps(*gstreamer)) pairs.emplace_back("", gap);
  std::vector<std::vector<std::string>> rows;
  for (const model::Encoder& encoder : facts.encoders)
    rows.push_back({encoder.name, encoder.codec, encoder.device.value_or("-"), encoder.usable ? "yes" : "no",
                    encoder.sessions ? cat(*encoder.sessions) : "-",
                    encoder.usable ? join(encoder.pix_fmts, " ") : encoder.reason.value_or("?")});
  std::string text =
      cat(format_pairs(pairs), "\n",
          format_table({"Encoder", "Codec", "Device", "Usable", "Sessions", "Formats, or why not"}, rows), "\n");
  for (const std::string_view codec : {"h264", "hevc", "av1", "vp9", "vp8"})
    text += cat(codec, ": ", model::explain_choice(codec, facts.encoders), "\n");
  return text;
}

}  // namespace ffrtmp::cli
