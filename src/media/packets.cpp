#include "media/packets.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "media/bitstream.h"

namespace ffrtmp::media {
namespace {

// Calls take(key, value) for each item of "section|key=value|key=value". A '|' inside a value is escaped as "\|".
template <class Take>
void for_each_item(std::string_view line, Take take) {
  while (!line.empty()) {
    std::size_t end = line.find('|');
    while (end != std::string_view::npos && end > 0 && line[end - 1] == '\\') end = line.find('|', end + 1);
    const std::string_view item = line.substr(0, end);
    if (const std::size_t equals = item.find('='); equals != std::string_view::npos)
      take(item.substr(0, equals), item.substr(equals + 1));
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + 1);
  }
}

double time_of(std::string_view value) { return parse_number(value).value_or(kNoTime); }
std::optional<int> small(std::string_view value) {
  const auto number = parse_int(value);
  if (!number || *number < 0 || *number > 1'000'000'000) return std::nullopt;
  return static_cast<int>(*number);
}

// "30000/1001"; nothing for "0/0".
std::optional<double> ratio(std::string_view value) {
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto top = parse_number(value.substr(0, slash));
  const auto bottom = parse_number(value.substr(slash + 1));
  if (!top || !bottom || *top <= 0 || *bottom <= 0) return std::nullopt;
  return *top / *bottom;
}

Packet parse_packet(std::string_view items) {
  Packet out;
  for_each_item(items, [&](std::string_view key, std::string_view value) {
    if (key == "stream_index")
      out.stream = small(value).value_or(-1);
    else if (key == "pts_time")
      out.pts = time_of(value);
    else if (key == "dts_time")
      out.dts = time_of(value);
    else if (key == "duration_time")
      out.duration = time_of(value);
    else if (key == "size")
      out.size = parse_int(value).value_or(0);
    else if (key == "pos")
      out.pos = parse_int(value).value_or(-1);
    else if (key == "flags") {
      out.key = value.find('K') != std::string_view::npos;
      out.discard = value.find('D') != std::string_view::npos;
    }
  });
  return out;
}

bool is_hdr_metadata(std::string_view side_data_type) {
  return side_data_type.starts_with("Mastering display") || side_data_type.starts_with("Content light level");
}

void take_stream_item(ProbedStream& out, std::string_view key, std::string_view value) {
  const auto text = [&]() -> std::optional<std::string> {
    if (value.empty() || value == "N/A" || value == "unknown") return std::nullopt;
    return std::string(value);
  };
  if (key == "index")
    out.index = small(value).value_or(-1);
  else if (key == "codec_type")
    out.type = value;
  else if (key == "codec_name")
    out.codec = value;
  else if (key == "width")
    out.width = small(value);
  else if (key == "height")
    out.height = small(value);
  else if (key == "pix_fmt")
    out.pixel_format = text();
  else if (key == "avg_frame_rate")
    out.fps = ratio(value);
  else if (key == "channels")
    out.channels = small(value);
  else if (key == "sample_rate")
    out.sample_rate = small(value);
  else if (key == "duration")
    out.duration_seconds = parse_number(value);
  else if (key == "nal_length_size")
    out.nal_length_bytes = small(value);
  else if (key == "color_space")
    out.colour.space = text();
  else if (key == "color_transfer")
    out.colour.transfer = text();
  else if (key == "color_primaries")
    out.colour.primaries = text();
  else if (key == "color_range")
    out.colour.range = text();
  else if (key == "field_order")
    out.is_interlaced = value == "tt" || value == "bb" || value == "tb" || value == "bt";
  else if (key == "side_data_type")
    out.has_hdr_metadata = out.has_hdr_metadata || is_hdr_metadata(value);
  else if (key == "disposition:attached_pic")
    out.is_attached_pic = value == "1";
  else if (key == "tag:language")
    out.language = text();
  else if (key == "rotation")
    out.rotation_degrees = static_cast<int>(parse_int(value).value_or(0));
}

void take_format_item(Probe& out, std::string_view key, std::string_view value) {
  if (key == "format_name")
    out.format = value;
  else if (key == "duration")
    out.duration_seconds = parse_number(value);
  else if (key == "start_time")
    out.start_seconds = parse_number(value);
  else if (key == "size")
    out.size_bytes = parse_int(value).value_or(0);
}

// What a stream's packets come to.
struct Tally {
  std::vector<double> times;  // when they are shown, seconds
  double end = -std::numeric_limits<double>::infinity();
  std::int64_t count = 0;
  std::int64_t untimed = 0;
  std::int64_t skipped = 0;
};

void add_packet(Tally& tally, const Packet& packet) {
  if (packet.discard) {
    ++tally.skipped;
    return;
  }
  ++tally.count;
  const double pts = std::isnan(packet.pts) ? packet.dts : packet.pts;
  if (std::isnan(pts)) {
    ++tally.untimed;
    return;
  }
  tally.times.push_back(pts);
  tally.end = std::max(tally.end, pts + (std::isnan(packet.duration) ? 0 : packet.duration));
}

void summarise(ProbedStream& stream, Tally tally) {
  stream.packets = tally.count;
  stream.skipped_packets = tally.skipped;
  std::vector<double> times = std::move(tally.times);
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  // Those without a time stand in front: Matroska cannot write a key frame's negative one.
  stream.first_pts_seconds = times.front() - static_cast<double>(tally.untimed) / stream.fps.value_or(1e9);
  stream.last_pts_seconds = times.back();
  stream.end_seconds = tally.end;
  for (std::size_t i = 0; i + 1 < times.size(); ++i) times[i] = times[i + 1] - times[i];  // gaps, in their place
  times.pop_back();
  stream.largest_gap_seconds = times.empty() ? 0 : *std::max_element(times.begin(), times.end());
  if (times.empty()) return;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  stream.usual_gap_seconds = *middle;
}

// In order of index. A stream of a program is listed there and again on its own.
void add_stream(std::vector<ProbedStream>& streams, ProbedStream stream) {
  const auto at = std::lower_bound(streams.begin(), streams.end(), stream.index,
                                   [](const ProbedStream& s, int index) { return s.index < index; });
  if (at == streams.end() || at->index != stream.index) streams.insert(at, std::move(stream));
}

constexpr std::string_view kHeaderEntries =
    "format=format_name,duration,start_time,size:stream=index,codec_name,codec_type,width,height,pix_fmt,sample_rate,"
    "channels,avg_frame_rate,duration,nal_length_size,color_range,color_space,color_transfer,color_primaries,"
    "field_order:stream_tags=language:stream_disposition=attached_pic:"
    "stream_side_data=rotation,side_data_type:chapter=id";
constexpr std::string_view kPacketEntries = ":packet=stream_index,pts_time,dts_time,duration_time,size,pos,flags";

std::vector<std::string> ffprobe_command(const std::string& path, const ProbeOptions& options,
                                         const std::string& entries) {
  std::vector<std::string> argv{options.ffprobe, "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file"};
  // Our own HLS output is read through its playlist.
  const std::string allowed = options.demuxer == "hls" ? "hls,mpegts" : options.demuxer;
  if (!options.demuxer.empty()) argv.insert(argv.end(), {"-format_whitelist", allowed, "-f", options.demuxer});
  argv.insert(argv.end(), {"-show_entries", entries, "-of", "compact", "-i", cat("file:", path)});
  return argv;
}

bool is_hdr(const ProbedStream& stream) {
  return stream.type == "video" && (stream.colour.transfer == "smpte2084" || stream.colour.transfer == "arib-std-b67");
}

// Encoders write it into the first frame, where headers do not show it.
Result<bool> has_hdr_frames(const std::string& path, const ProbeOptions& options, int index, const RunTool& run) {
  auto argv = ffprobe_command(path, options, "frame_side_data=side_data_type");
  argv.insert(argv.end(), {"-read_intervals", "%+#1", "-select_streams", cat(index), "-show_frames"});
  FFRTMP_ASSIGN(const ToolResult result, run(argv, options.timeout));
  bool found = false;
  for (const std::string_view line : split(result.out, '\n'))
    for_each_item(line, [&](std::string_view key, std::string_view value) {
      found = found || (key == "side_data_type" && is_hdr_metadata(value));
    });
  return found;
}

std::string last_line(std::string_view text) {
  std::string_view last;
  for (const std::string_view line : split(text, '\n'))
    if (!trim(line).empty()) last = trim(line);
  return std::string(last);
}

// Longer lines than any of ours: what the file's own words can make of them is asked for in a few places only.
constexpr std::size_t kMaxLine = std::size_t{1} << 20;

enum class Packets { kNone, kCount, kKeep };

// Puts a scan together from ffprobe's lines, as they come: of a day of film they are a gigabyte.
class ScanParser {
 public:
  explicit ScanParser(Packets packets) : packets_(packets) {}

  Status take(std::string_view piece) {
    for (std::size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
      rest_ += piece.substr(0, end);
      piece.remove_prefix(end + 1);
      FFRTMP_TRY(take_line(rest_));
      rest_.clear();
    }
    rest_ += piece;
    if (rest_.size() > kMaxLine) return make_error(Errc::kCorrupt, cat("ffprobe:", number_ + 1, ": too long"));
    return {};
  }

  Result<Scan> finish() {
    if (!rest_.empty()) FFRTMP_TRY(take_line(rest_));
    if (packets_ != Packets::kNone)
      for (ProbedStream& stream : scan_.probe.streams) summarise(stream, std::move(tallies_[stream.index]));
    return std::move(scan_);
  }

 private:
  Status take_line(std::string_view line) {
    ++number_;
    const std::size_t bar = line.find('|');
    const std::string_view section = line.substr(0, bar);
    const std::string_view items = bar == std::string_view::npos ? std::string_view{} : line.substr(bar + 1);
    if (section == "packet") return take_packet(items);
    if (section == "stream") return take_stream(items);
    if (section == "format")
      for_each_item(items, [&](std::string_view k, std::string_view v) { take_format_item(scan_.probe, k, v); });
    if (section == "chapter") ++scan_.probe.chapters;
    return {};
  }

  Status take_packet(std::string_view items) {
    const Packet packet = parse_packet(items);
    if (packet.stream < 0) return make_error(Errc::kCorrupt, cat("ffprobe:", number_, ": stream_index"));
    add_packet(tallies_[packet.stream], packet);
    if (packets_ == Packets::kKeep) scan_.packets.push_back(packet);
    return {};
  }

  Status take_stream(std::string_view items) {
    ProbedStream stream;
    stream.index = -1;
    for_each_item(items, [&](std::string_view k, std::string_view v) { take_stream_item(stream, k, v); });
    if (stream.index < 0) return make_error(Errc::kCorrupt, cat("ffprobe:", number_, ": index"));
    add_stream(scan_.probe.streams, std::move(stream));
    return {};
  }

  const Packets packets_;
  Scan scan_;
  std::map<int, Tally> tallies_;  // by stream
  std::string rest_;              // of a line whose end has not come yet
  std::size_t number_ = 0;        // of the last line
};

Result<Scan> scan(const std::string& path, const ProbeOptions& options, Packets packets, const RunTool& run) {
  ScanParser parser(packets);
  const std::string entries = cat(kHeaderEntries, packets == Packets::kNone ? "" : kPacketEntries);
  FFRTMP_ASSIGN(const ToolResult result, run(ffprobe_command(path, options, entries), options.timeout,
                                             [&](std::string_view piece) { return parser.take(piece); }));
  if (result.exit_code != 0) {
    const std::string why = last_line(result.err);
    return make_error(Errc::kInvalid, why.empty() ? cat("ffprobe ended with ", result.exit_code) : why);
  }
  FFRTMP_ASSIGN(Scan out, parser.finish());
  out.complaints = result.err;
  if (out.probe.streams.empty()) return make_error(Errc::kInvalid, "the file holds no stream");
  if (packets == Packets::kNone) return out;
  if (out.probe.format == "mpegts") {
    FFRTMP_ASSIGN(const auto damage, find_ts_damage(path));
    out.probe.damage = damage.value_or("");
  }
  for (ProbedStream& stream : out.probe.streams)
    if (is_hdr(stream) && !stream.has_hdr_metadata) {
      FFRTMP_ASSIGN(stream.has_hdr_metadata, has_hdr_frames(path, options, stream.index, run));
    }
  return out;
}

}  // namespace

Result<Scan> parse_scan(std::string_view text) {
  ScanParser parser(Packets::kKeep);
  FFRTMP_TRY(parser.take(text));
  return parser.finish();
}

Result<Scan> scan_file(const std::string& path, const ProbeOptions& options, const RunTool& run) {
  return scan(path, options, options.packets ? Packets::kKeep : Packets::kNone, run);
}

Result<Probe> probe_file(const std::string& path, const ProbeOptions& options, const RunTool& run) {
  FFRTMP_ASSIGN(Scan found, scan(path, options, options.packets ? Packets::kCount : Packets::kNone, run));
  return std::move(found.probe);
}

}  // namespace ffrtmp::media
