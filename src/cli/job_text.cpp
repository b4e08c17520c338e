#include "cli/job_text.h"

#include <cmath>

#include "base/text.h"
#include "cli/table_text.h"
#include "json/json.h"

namespace ffrtmp::cli {
namespace {

constexpr int kBarWidth = 30;
constexpr std::string_view kUnknown = "-";

std::string number_or(const std::optional<double>& value, int decimals, std::string_view unit, std::string_view other) {
  return value ? format_fixed(*value, decimals) + std::string(unit) : std::string(other);
}

// To the second.
std::string time_or(const std::optional<UtcTime>& time, std::string_view other) {
  if (!time) return std::string(other);
  const std::string text = format_utc(*time);
  return text.substr(0, text.find('.')) + "Z";
}

template <class T>
std::string name_or(const std::optional<T>& value, std::string_view other) {
  return value ? json::enum_name(*value) : std::string(other);
}

std::string percent_of(const api::Job& job) {
  if (job.status == model::JobState::kCompleted) return "100.0%";
  return job.progress ? number_or(job.progress->percent, 1, "%", kUnknown) : std::string(kUnknown);
}

std::string status_of(const api::Job& job) {
  std::string text = json::enum_name(job.status);
  if (job.desired) text += cat(" (", json::enum_name(*job.desired), " wanted)");
  return text;
}

std::string node_of(const api::Job& job) {
  if (job.node_name) return *job.node_name;
  return job.node_id ? job.node_id->str() : std::string(kUnknown);
}

// Seconds of media still to come, at the present speed; nothing when one of both is unknown.
std::optional<double> eta_seconds(const model::Progress& p) {
  if (!p.percent || *p.percent <= 0 || !p.speed || *p.speed <= 0 || !p.out_time_ms) return std::nullopt;
  const double done = static_cast<double>(*p.out_time_ms) / 1000;
  return done * (100 - *p.percent) / *p.percent / *p.speed;
}

std::string clock_text(double seconds) {
  const auto whole = std::llround(seconds);
  const auto two = [](long long n) { return cat(n < 10 ? "0" : "", n); };
  if (whole >= 3600) return cat(whole / 3600, ":", two(whole / 60 % 60), ":", two(whole % 60));
  return cat(whole / 60, ":", two(whole % 60));
}

std::string measures(const model::Progress& p) {
  std::string text;
  if (p.frame) text += cat("  frame ", *p.frame);
  if (p.fps) text += cat("  fps ", format_fixed(*p.fps, 1));
  if (p.speed) text += cat("  speed ", format_fixed(*p.speed, 2), "x");
  const auto eta = p.phase == model::Phase::kRunning ? eta_seconds(p) : std::nullopt;
  if (eta) text += cat("  ETA ", clock_text(*eta));
  return text;
}

// Of a live job how it goes, of any other how far it came.
std::string progress_text(const api::Job& job) {
  if (!job.progress || !model::is_live(job.status)) return percent_of(job);
  return percent_of(job) + "  " + json::enum_name(job.progress->phase) + measures(*job.progress);
}

std::string doing(const api::Job& job) {
  if (job.status != model::JobState::kRunning || !job.progress) return json::enum_name(job.status);
  return json::enum_name(job.progress->phase);
}

std::string verification(const model::OutputInfo& output) {
  std::string text = output.verify_level ? *output.verify_level + ": " : std::string();
  text += output.verified ? "good" : "failed";
  if (output.verify_error) text += cat(" (", *output.verify_error, ")");
  return text;
}

std::string encoder_text(const model::EncoderUsed& encoder) {
  if (!encoder.fallback) return encoder.used;
  return cat(encoder.used, " (instead of ", encoder.requested,
             encoder.fallback_reason ? cat(": ", *encoder.fallback_reason) : "", ")");
}

std::string sla_text(const api::Job& job) {
  if (!job.platform_sla_reason) return {};
  const char* verdict = !job.platform_sla_compliant ? "undetermined" : *job.platform_sla_compliant ? "compliant" : "violation";
  return cat(verdict, " (", *job.platform_sla_reason, ")");
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Only what is not in force.
void put_limits(Pairs& pairs, const std::vector<model::LimitOutcome>& limits) {
  for (const model::LimitOutcome& one : limits)
    if (one.status != "applied")
      pairs.emplace_back("Limit", cat(one.limit, " ", one.wanted, one.wanted.empty() ? "" : " ", one.status,
                                      one.detail ? cat(": ", *one.detail) : ""));
}

void put_output(Pairs& pairs, const model::OutputInfo& output) {
  pairs.emplace_back("Duration", number_or(output.duration_seconds, 2, " s", ""));
  const bool removed = output.removed.value_or(false);
  pairs.emplace_back("Output", cat(output.path, removed ? " (removed: no input and no output was named)" : ""));
  pairs.emplace_back("Size", output.size_bytes ? format_bytes(*output.size_bytes) : "");
  pairs.emplace_back("Verified", verification(output));
  for (const std::string& left : output.left_out) pairs.emplace_back("Left out", left);
  for (const std::string& converted : output.converted) pairs.emplace_back("Converted", converted);
}

std::string input_text(const api::Job& job) {
  if (job.effective_parameters.input) return *job.effective_parameters.input;
  if (!job.result || !job.result->input) return "generated";
  const model::InputInfo& input = *job.result->input;
  std::string text = "generated";
  if (input.encoder) text += cat(" by ", *input.encoder);
  if (input.size_bytes) text += cat(", ", format_bytes(*input.size_bytes));
  if (input.looped) text += ", read again and again";
  return text;
}

std::string count_text(const std::optional<std::int64_t>& count) { return count ? cat(*count) : std::string(); }

}  // namespace

std::string jobs_table(const std::vector<api::Job>& jobs) {
  std::vector<std::vector<std::string>> rows;
  for (const api::Job& job : jobs)
    rows.push_back({cat(job.sequence_number), job.scenario, status_of(job), percent_of(job), node_of(job),
                    name_or(job.failure_reason, kUnknown), time_or(job.created_at, kUnknown)});
  return format_table({"Job #", "Scenario", "Status", "Progress", "Node", "Failure", "Created"}, rows);
}

std::string submitted_table(const api::Job& job) {
  return format_table({"Job #", "Scenario", "Confidence", "Status", "Created At"},
                      {{cat(job.sequence_number), job.scenario, json::enum_name(job.confidence), status_of(job),
                        time_or(job.created_at, kUnknown)}});
}

std::string job_pairs(const api::Job& job) {
  Pairs pairs{{"Job #", cat(job.sequence_number)},
              {"ID", job.id.str()},
              {"Scenario", job.scenario},
              {"Status", status_of(job)},
              {"Progress", progress_text(job)},
              {"Owner", job.owner},
              {"Queue", cat(json::enum_name(job.queue), ", ", json::enum_name(job.priority))},
              {"Node", job.node_id ? node_of(job) : ""},
              {"Retries", cat(job.retry_count, " of ", job.max_retries)},
              {"Next retry", time_or(job.next_retry_at, "")},
              {"Input", input_text(job)},
              {"Created", time_or(job.created_at, "")},
              {"Started", time_or(job.started_at, "")},
              {"Ended", time_or(job.completed_at, "")},
              {"Failure", name_or(job.failure_reason, "")},
              {"Error", job.error.value_or("")},
              {"SLA", sla_text(job)}};
  if (job.result) {
    if (job.result->encoder) pairs.emplace_back("Encoder", encoder_text(*job.result->encoder));
    if (job.result->output) put_output(pairs, *job.result->output);
    put_limits(pairs, job.result->limits);
  } else {
    pairs.emplace_back("Output", job.effective_parameters.output.value_or(""));
  }
  return format_pairs(pairs);
}

std::string outcome_pairs(const api::Job& job) {
  Pairs pairs{{"Job", cat(job.sequence_number)}, {"Status", json::enum_name(job.status)}};
  if (job.result) {
    const model::AttemptResult& result = *job.result;
    if (result.encoder) pairs.emplace_back("Encoder", encoder_text(*result.encoder));
    if (result.stats) {
      pairs.emplace_back("Frames", count_text(result.stats->frames));
      pairs.emplace_back("Average fps", number_or(result.stats->avg_fps, 1, "", ""));
      pairs.emplace_back("Speed", number_or(result.stats->speed, 2, "x", ""));
    }
    if (result.output) put_output(pairs, *result.output);
  }
  if (job.status != model::JobState::kCompleted) {
    pairs.emplace_back("Failure", name_or(job.failure_reason, ""));
    pairs.emplace_back("Error", job.error.value_or(""));
  }
  return format_pairs(pairs);
}

std::string sla_table(const api::SlaReport& report) {
  const auto row = [](const api::SlaRow& group) -> std::vector<std::string> {
    return {group.name,           cat(group.jobs),         cat(group.compliant),
            cat(group.violation), cat(group.undetermined), cat(group.not_counted),
            group.rate ? format_fixed(*group.rate * 100, 2) + "%" : std::string(kUnknown)};
  };
  std::vector<std::vector<std::string>> rows;
  for (const api::SlaRow& group : report.groups) rows.push_back(row(group));
  rows.push_back(row(report.total));
  const std::string by = json::enum_name(report.by);
  return format_table({by, "Jobs", "Compliant", "Violation", "Undetermined", "Not counted", "Rate"}, rows);
}

std::string attempts_table(const std::vector<api::Attempt>& attempts) {
  std::vector<std::vector<std::string>> rows;
  for (const api::Attempt& a : attempts) {
    const auto failure = a.result ? a.result->failure_reason : std::nullopt;
    rows.push_back({cat(a.number), a.id.str(), a.node_id.str(), json::enum_name(a.status),
                    time_or(a.claimed_at, kUnknown), time_or(a.started_at, kUnknown), time_or(a.ended_at, kUnknown),
                    name_or(failure, kUnknown)});
  }
  return format_table({"#", "Attempt", "Node", "Status", "Claimed", "Started", "Ended", "Failure"}, rows);
}

namespace {

std::string gpus_text(const api::Node& node) {
  std::vector<std::string> names;
  for (const model::Gpu& gpu : node.gpus) names.push_back(gpu.name);
  return names.empty() ? std::string(kUnknown) : join(names, ", ");
}

std::string encoders_text(const api::Node& node) {
  std::vector<std::string> names;
  for (const model::Encoder& encoder : node.encoders)
    if (encoder.usable) names.push_back(encoder.name);
  return names.empty() ? std::string(kUnknown) : join(names, ",");
}

std::string slots_text(const api::Node& node) { return cat(node.active_attempts.size(), "/", node.slots); }

template <class Map>
std::string map_text(const Map& map, std::string_view separator) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : map) parts.push_back(cat(key, separator, value));
  return join(parts, ", ");
}

}  // namespace

std::string nodes_table(const std::vector<api::Node>& nodes) {
  std::vector<std::vector<std::string>> rows;
  for (const api::Node& node : nodes)
    rows.push_back({node.name, json::enum_name(node.status), json::enum_name(node.type),
                    cat(node.cpu_threads, " threads"), gpus_text(node), slots_text(node), encoders_text(node)});
  return format_table({"Name", "Status", "Type", "CPU", "GPU", "Slots", "Encoders"}, rows);
}

std::string node_pairs(const api::Node& node) {
  Pairs pairs{{"Name", node.name},
              {"ID", node.id.str()},
              {"Status", json::enum_name(node.status)},
              {"Type", json::enum_name(node.type)},
              {"Version", node.version},
              {"CPU", cat(node.cpu_threads, " threads", node.cpu_model.empty() ? "" : ", ", node.cpu_model)},
              {"RAM", format_bytes(node.ram_total_bytes)},
              {"GPU", gpus_text(node)},
              {"Slots", slots_text(node)},
              {"Engines", map_text(node.engines, " ")},
              {"Labels", map_text(node.labels, "=")},
              {"Roots", join(node.roots, ", ")},
              {"Makes inputs", node.generates_input ? "yes" : "no"},
              {"Load", number_or(node.load1, 2, "", "")},
              {"Disk free", node.disk_free_bytes ? format_bytes(*node.disk_free_bytes) : ""},
              {"Last heartbeat", time_or(node.last_heartbeat, "")},
              {"Registered", time_or(node.registered_at, "")}};
  for (const model::Encoder& encoder : node.encoders)
    pairs.emplace_back("Encoder", cat(encoder.name, " (", encoder.codec,
                                      encoder.usable ? ")" : cat("), unusable: ", encoder.reason.value_or("?"))));
  return format_pairs(pairs);
}

std::string progress_bar(const api::Job& job) {
  const bool is_running = job.status == model::JobState::kRunning && job.progress.has_value();
  const auto percent = is_running ? job.progress->percent : std::nullopt;
  const int filled = percent ? static_cast<int>(std::lround(*percent / 100 * kBarWidth)) : 0;
  std::string text = cat("[", std::string(static_cast<std::size_t>(filled), '#'),
                         std::string(static_cast<std::size_t>(kBarWidth - filled), '-'), "] ");
  text += percent ? format_fixed(*percent, 1) + "%" : doing(job);
  if (!is_running) return text;
  if (percent && job.progress->phase != model::Phase::kRunning) text += cat("  ", doing(job));
  return text + measures(*job.progress);
}

std::string progress_line(const api::Job& job) {
  std::string text = cat("job ", job.sequence_number, ": ", doing(job));
  if (!job.progress || job.status != model::JobState::kRunning) return text;
  if (job.progress->percent) text += cat(" ", format_fixed(*job.progress->percent, 1), "%");
  return text + measures(*job.progress);
}

}  // namespace ffrtmp::cli
