// The rules of `parameters`: one row a name, each reading the written value into its typed place.
#include <array>
#include <cmath>

#include "base/text.h"
#include "model/carriage.h"
#include "model/extra_args.h"
#include "model/live_url.h"
#include "model/locator.h"
#include "model/media_names.h"
#include "model/names.h"
#include "model/parameter_names.h"
#include "model/spec_rules.h"

namespace ffrtmp::model {
namespace {

constexpr std::int64_t kDefaultBitrate = 2'000'000;  // bits a second

constexpr std::array kOutputModes{
    Named<OutputMode>{"file", OutputMode::kFile}, Named<OutputMode>{"rtmp", OutputMode::kRtmp},
    Named<OutputMode>{"stream", OutputMode::kStream}, Named<OutputMode>{"hls", OutputMode::kHls}};
constexpr std::array kHwAccels{Named<HwAccel>{"auto", HwAccel::kAuto},     Named<HwAccel>{"none", HwAccel::kNone},
                               Named<HwAccel>{"software", HwAccel::kNone}, Named<HwAccel>{"cuda", HwAccel::kCuda},
                               Named<HwAccel>{"qsv", HwAccel::kQsv},       Named<HwAccel>{"vaapi", HwAccel::kVaapi}};
constexpr std::array kAudioCodecs{
    Named<AudioCodec>{"aac", AudioCodec::kAac}, Named<AudioCodec>{"opus", AudioCodec::kOpus},
    Named<AudioCodec>{"mp3", AudioCodec::kMp3}, Named<AudioCodec>{"copy", AudioCodec::kCopy},
    Named<AudioCodec>{"none", AudioCodec::kNone}};
constexpr std::array kVerifyLevels{Named<VerifyLevel>{"packets", VerifyLevel::kPackets},
                                   Named<VerifyLevel>{"sample", VerifyLevel::kSample},
                                   Named<VerifyLevel>{"full", VerifyLevel::kFull}};

Error wrong(std::string message) { return make_error(Errc::kInvalid, std::move(message)); }

Result<std::string> read_text(const Scalars& value) {
  if (value.is_list || value.values.size() != 1) return wrong("must be a single value");
  return value.values.front();
}

Result<std::int64_t> read_int(const Scalars& value, std::int64_t low, std::int64_t high) {
  FFRTMP_ASSIGN(const std::string text, read_text(value));
  const auto number = parse_int(text);
  if (!number || *number < low || *number > high) return wrong(cat("must be a whole number from ", low, " to ", high));
  return *number;
}

// Above 0, up to `high`.
Result<double> read_positive(const Scalars& value, int high) {
  FFRTMP_ASSIGN(const std::string text, read_text(value));
  const auto number = parse_number(text);
  if (!number || *number <= 0 || *number > high) return wrong(cat("must be a number above 0, up to ", high));
  return *number;
}

Result<bool> read_bool(const Scalars& value) {
  FFRTMP_ASSIGN(const std::string text, read_text(value));
  if (text != "true" && text != "false") return wrong("must be true or false");
  return text == "true";
}

template <class T, std::size_t N>
Result<T> read_named(const Scalars& value, const std::array<Named<T>, N>& table) {
  FFRTMP_ASSIGN(const std::string text, read_text(value));
  const std::span<const Named<T>> rows(table);
  if (const auto found = find_named(rows, text)) return *found;
  return wrong(one_of(rows));
}

Result<std::int64_t> read_bitrate(const Scalars& value, std::int64_t low, std::int64_t high, std::string_view range) {
  FFRTMP_ASSIGN(const std::string text, read_text(value));
  FFRTMP_ASSIGN(const std::int64_t rate, parse_bitrate(text));
  if (rate < low || rate > high) return wrong(cat("must be from ", range, " bits a second"));
  return rate;
}

bool matches(std::string_view text, std::string_view punctuation, bool upper_case, std::size_t low, std::size_t high) {
  if (text.size() < low || text.size() > high) return false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (upper_case && c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && punctuation.find(c) == std::string_view::npos) return false;
  }
  return true;
}

Status put_text(std::optional<std::string>& out, const Scalars& value) {
  FFRTMP_ASSIGN(out, read_text(value));
  return {};
}

Status put_stream_key(Parameters& p, const Scalars& value) {
  FFRTMP_TRY(put_text(p.stream_key, value));
  return matches(*p.stream_key, "_-", true, 1, 128) ? Status() : wrong("must be 1 to 128 of A-Z a-z 0-9 _ -");
}

Status put_codec(Parameters& p, const Scalars& value) {
  FFRTMP_ASSIGN(p.codec, read_text(value));
  const std::string lower = to_lower(p.codec);
  if (is_codec_name(lower)) {
    p.codec = lower;
    return {};
  }
  if (matches(p.codec, "_", false, 2, 32)) return {};
  return wrong("must be h264, h265, hevc, av1, vp8, vp9, copy or the name of an encoder (2 to 32 of a-z 0-9 _)");
}

Status put_preset(Parameters& p, const Scalars& value) {
  FFRTMP_ASSIGN(p.preset, read_text(value));
  return is_preset(p.preset) ? Status() : wrong("must be auto or one of ultrafast to veryslow");
}

Status put_pixel_format(Parameters& p, const Scalars& value) {
  FFRTMP_ASSIGN(p.pixel_format, read_text(value));
  return is_pixel_format(p.pixel_format)
             ? Status()
             : wrong("must be one of: yuv420p, yuv422p, yuv444p, yuv420p10le, nv12, p010le");
}

Status put_resolution(Parameters& p, const Scalars& value) {
  FFRTMP_ASSIGN(const std::string text, read_text(value));
  const auto sides = split(text, text.find('X') == std::string::npos ? 'x' : 'X');
  const auto side = [](std::string_view digits) -> std::optional<int> {
    const auto number = parse_int(digits);
    if (!number || *number < 16 || *number > 8192 || *number % 2 != 0) return std::nullopt;
    return static_cast<int>(*number);
  };
  p.width = sides.size() == 2 ? side(sides[0]) : std::nullopt;
  p.height = sides.size() == 2 ? side(sides[1]) : std::nullopt;
  if (p.width && p.height) return {};
  return wrong("must be WIDTHxHEIGHT, both even and from 16 to 8192");
}

// ffmpeg's stream specifiers, without the input's index: "0", "v", "a:1", "s:m:language:eng".
bool is_specifier(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 3 && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const auto parts = split(text, ':');
  if (parts.size() == 1 && digits(parts[0])) return true;
  if (parts[0].size() != 1 || std::string_view("vVasdt").find(parts[0][0]) == std::string_view::npos) return false;
  if (parts.size() == 1) return true;
  if (parts.size() == 2) return digits(parts[1]);
  return parts.size() == 4 && parts[1] == "m" && matches(parts[2], "_-", true, 1, 32) &&
         matches(parts[3], "_-", true, 1, 32);
}

Status put_streams(Parameters& p, const Scalars& value) {
  if (value.values.empty() || value.values.size() > 64)
    return wrong("must be default, all or 1 to 64 stream specifiers");
  for (const std::string& item : value.values) {
    const bool whole = item == "default" || item == "all";
    if (whole ? value.values.size() > 1 : !is_specifier(item))
      return wrong(cat("\"", escape(item), "\" is no stream specifier such as v:0, a, s:1 or 2"));
  }
  p.streams = value.values;
  return {};
}

Status put_extra_args(Parameters& p, const Scalars& value) {
  p.extra_args.clear();
  if (value.is_list) {
    p.extra_args = value.values;
  } else {
    for (const std::string& text : value.values)
      for (const auto part : split(text, ' '))
        if (!part.empty()) p.extra_args.emplace_back(part);
  }
  return check_extra_args(p.extra_args);
}

// One row a name of the contract, in its order; output comes after output_mode, which decides what it may be.
struct Rule {
  std::string_view name;
  Status (*put)(Parameters& p, const Scalars& value);
};
#define FFRTMP_PUT(member, call)                      \
  [](Parameters& p, const Scalars& value) -> Status { \
    FFRTMP_ASSIGN(p.member, call);                    \
    return {};                                        \
  }
constexpr std::array kRules{
    Rule{"input",
         [](Parameters& p, const Scalars& value) -> Status {
           FFRTMP_TRY(put_text(p.input, value));
           return check_input(*p.input);
         }},
    Rule{"output_mode", FFRTMP_PUT(output_mode, read_named(value, kOutputModes))},
    Rule{"output",
         [](Parameters& p, const Scalars& value) -> Status {
           FFRTMP_TRY(put_text(p.output, value));
           return check_output(*p.output, p.output_mode);
         }},
    Rule{"rtmp_url",
         [](Parameters& p, const Scalars& value) -> Status {
           FFRTMP_TRY(put_text(p.rtmp_url, value));
           return check_rtmp_url(*p.rtmp_url);
         }},
    Rule{"stream_key", put_stream_key},
    Rule{"codec", put_codec},
    Rule{"bitrate", FFRTMP_PUT(bitrate_bps, read_bitrate(value, 50'000, 500'000'000, "50k to 500M"))},
    Rule{"crf", FFRTMP_PUT(crf, read_int(value, 0, 63))},
    Rule{"preset", put_preset},
    Rule{"resolution", put_resolution},
    Rule{"fps", FFRTMP_PUT(fps, read_positive(value, 300))},
    Rule{"duration", FFRTMP_PUT(duration_seconds, read_positive(value, 86'400))},
    Rule{"pixel_format", put_pixel_format},
    Rule{"hwaccel", FFRTMP_PUT(hwaccel, read_named(value, kHwAccels))},
    Rule{"audio_codec", FFRTMP_PUT(audio_codec, read_named(value, kAudioCodecs))},
    Rule{"audio_bitrate", FFRTMP_PUT(audio_bitrate_bps, read_bitrate(value, 16'000, 512'000, "16k to 512k"))},
    Rule{"streams", put_streams},
    Rule{"verify", FFRTMP_PUT(verify, read_named(value, kVerifyLevels))},
    Rule{"threads", FFRTMP_PUT(threads, read_int(value, 1, 256))},
    Rule{"allow_fallback", FFRTMP_PUT(allow_fallback, read_bool(value))},
    Rule{"overwrite", FFRTMP_PUT(overwrite, read_bool(value))},
    Rule{"extra_args", put_extra_args},
};
#undef FFRTMP_PUT

void put_scenario(Parameters& p, const ScenarioParsed& scenario) {
  p.width = scenario.width;
  p.height = scenario.height;
  p.fps = scenario.fps;
  if (scenario.codec) p.codec = *scenario.codec;
  if (scenario.pixel_format) p.pixel_format = *scenario.pixel_format;
  p.crf = scenario.crf;
  if (scenario.preset) p.preset = *scenario.preset;
}

// Copied packets keep their size, rate and pixels: what a scenario says of them does not apply, what the caller says of
// them contradicts.
Status settle_copy(Parameters& p, const WrittenParameters& written) {
  for (const char* name : {"resolution", "fps", "pixel_format"})
    if (const auto at = written.find(name); at != written.end())
      return field_error(parameter_field(at->second.written_as), "cannot be changed with codec copy");
  p.width.reset();
  p.height.reset();
  p.fps.reset();
  p.crf.reset();
  return {};
}

// The scheme in lower case, and the stream key, which stands for itself, not in the address as well.
void tidy_live_url(std::optional<std::string>& url, const std::optional<std::string>& key) {
  if (!url) return;
  const std::size_t scheme = std::min(url->find("://"), url->size());
  url->replace(0, scheme, to_lower(url->substr(0, scheme)));
  if (key && url->ends_with(cat("/", *key))) url->resize(url->size() - key->size() - 1);
}

Status settle_live(Parameters& p) {
  if (!is_live(p.output_mode)) return {};
  tidy_live_url(p.output, p.stream_key);
  tidy_live_url(p.rtmp_url, p.stream_key);
  if (p.output && p.rtmp_url && *p.output != *p.rtmp_url)
    return field_error(parameter_field("rtmp_url"), "contradicts output: give one of them");
  if (p.stream_key && protocol_of(p) != "rtmp") return field_error(parameter_field("stream_key"), "belongs to RTMP");
  // "rtmp://host/KEY" has no application left.
  if (const auto url = live_url_of(p))
    if (const Status whole = check_output(*url, p.output_mode); !whole)
      return field_error(parameter_field(p.output ? "output" : "rtmp_url"), whole.error().message);
  return {};
}

// What follows from several parameters at once.
Status settle(Parameters& p, const WrittenParameters& written) {
  const bool has_bitrate = written.contains("bitrate");
  const bool has_crf = written.contains("crf");
  if (has_bitrate && has_crf) return field_error("parameters.crf", "excludes bitrate: give one of them");
  if (has_bitrate) p.crf.reset();
  if (p.codec == "copy") {
    FFRTMP_TRY(settle_copy(p, written));
  } else if (!p.bitrate_bps && !p.crf) {
    p.bitrate_bps = kDefaultBitrate;
  }
  if (!written.contains("allow_fallback")) {
    const bool named_hwaccel = p.hwaccel != HwAccel::kAuto && p.hwaccel != HwAccel::kNone;
    p.allow_fallback = is_codec_name(p.codec) && !named_hwaccel;
  }
  FFRTMP_TRY(settle_live(p));
  if (auto misfit = find_misfit(p)) {
    const auto at = written.find(misfit->parameter);
    return field_error(parameter_field(at == written.end() ? misfit->parameter : at->second.written_as),
                       std::move(misfit->message));
  }
  // Whatever it is called, the source stays as it is.
  if (p.input && p.output && *p.input == *p.output) return field_error("parameters.output", "is the input itself");
  return {};
}

}  // namespace

Result<Parameters> resolve_parameters(const JobSpec& spec, const ScenarioParsed& scenario) {
  FFRTMP_ASSIGN(const WrittenParameters written, resolve_names(spec.parameters));
  Parameters p;
  put_scenario(p, scenario);
  for (const Rule& rule : kRules) {
    const auto at = written.find(std::string(rule.name));
    if (at == written.end()) continue;
    Status status = rule.put(p, at->second.value);
    if (!status) return field_error(parameter_field(at->second.written_as), std::move(status.error().message));
  }
  FFRTMP_TRY(settle(p, written));
  return p;
}

}  // namespace ffrtmp::model
