// sniff_demuxer: the container by its first bytes. What refers to other files is refused, also when it is called .mp4.
#include <fcntl.h>

#include <array>

#include "base/text.h"
#include "media/probe.h"
#include "sys/file_io.h"

namespace ffrtmp::media {
namespace {

using namespace std::string_view_literals;

// Enough for the tables of a transport stream and the preamble of an XML manifest.
constexpr std::size_t kHeadBytes = 4096;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view demuxer;  // ffmpeg's name
};

constexpr std::array kMagics{
    Magic{4, "ftyp"sv, "mov"},
    Magic{4, "moov"sv, "mov"},
    Magic{4, "mdat"sv, "mov"},
    Magic{4, "wide"sv, "mov"},
    Magic{4, "free"sv, "mov"},
    Magic{4, "skip"sv, "mov"},
    Magic{0, "\x1a\x45\xdf\xa3"sv, "matroska"},
    Magic{0, "FLV\x01"sv, "flv"},
    Magic{0, "OggS"sv, "ogg"},
    Magic{0, "fLaC"sv, "flac"},
    Magic{0, "DKIF"sv, "ivf"},
    Magic{0, "YUV4MPEG2 "sv, "yuv4mpegpipe"},
    Magic{0, "\x06\x0e\x2b\x34"sv, "mxf"},
    Magic{0, "\x30\x26\xb2\x75"sv, "asf"},
    Magic{0, "\x00\x00\x01\xba"sv, "mpeg"},
    Magic{0, "\x00\x00\x01\xb3"sv, "mpegvideo"},
    Magic{0, "caff"sv, "caf"},
    Magic{0, "#!AMR"sv, "amr"},
    Magic{0, "riff\x2e\x91\xcf\x11"sv, "w64"},
};

// Formats whose files name other files.
struct Referring {
  std::string_view start;
  std::string_view name;
};
constexpr std::array kReferring{Referring{"#EXTM3U", "an HLS playlist"}, Referring{"ffconcat", "a concat list"},
                                Referring{";FFMETADATA", "an ffmetadata file"}, Referring{"v=0", "an SDP description"},
                                Referring{"<MPD", "a DASH manifest"}};

bool at(std::string_view head, std::size_t offset, std::string_view bytes) {
  return head.size() >= offset + bytes.size() && head.substr(offset, bytes.size()) == bytes;
}

std::optional<std::string_view> referring(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  const std::string_view text = trim(head);
  for (const Referring& row : kReferring)
    if (text.starts_with(row.start)) return row.name;
  if (text.starts_with("<?xml") && text.find("<MPD") != std::string_view::npos) return "a DASH manifest";
  return std::nullopt;
}

// Transport packets of 188 bytes begin with 0x47; of 192 (M2TS) after four bytes of time.
bool is_mpegts(std::string_view head) {
  const auto synced = [&](std::size_t first, std::size_t step) {
    std::size_t count = 0;
    for (std::size_t i = first; i < head.size(); i += step, ++count)
      if (head[i] != 0x47) return false;
    return count >= 2 || (count == 1 && head.size() >= 188);
  };
  return synced(0, 188) || synced(4, 192);
}

std::string_view riff(std::string_view head) {
  if ((at(head, 0, "RIFF") || at(head, 0, "RF64")) && at(head, 8, "WAVE")) return "wav";
  if (at(head, 0, "RIFF") && at(head, 8, "AVI ")) return "avi";
  if (at(head, 0, "FORM") && (at(head, 8, "AIFF") || at(head, 8, "AIFC"))) return "aiff";
  return {};
}

// A start code and the unit that begins a stream: parameter sets or a delimiter.
std::string_view annex_b(std::string_view head) {
  const std::size_t skip = at(head, 0, "\0\0\0\1"sv) ? 4 : at(head, 0, "\0\0\1"sv) ? 3 : 0;
  if (skip == 0 || head.size() < skip + 2) return {};
  const auto first = static_cast<unsigned char>(head[skip]);
  const auto second = static_cast<unsigned char>(head[skip + 1]);
  if ((first == 0x40 || first == 0x42 || first == 0x46) && second == 0x01) return "hevc";  // VPS, SPS, AUD
  const int type = first & 0x1f;
  if ((first & 0x80) == 0 && (type == 7 || type == 9 || type == 6)) return "h264";  // SPS, AUD, SEI
  return {};
}

// Sync word and legal fields of an ADTS or MPEG audio header.
std::string_view mpeg_audio(std::string_view head) {
  if (head.size() < 4 || head[0] != '\xff') return {};
  const auto b1 = static_cast<unsigned char>(head[1]);
  const auto b2 = static_cast<unsigned char>(head[2]);
  if ((b1 & 0xf6) == 0xf0) return "aac";
  const bool legal =
      (b1 & 0xe0) == 0xe0 && (b1 & 0x18) != 0x08 && (b1 & 0x06) != 0 && (b2 >> 4) != 15 && ((b2 >> 2) & 3) != 3;
  return legal ? "mp3" : std::string_view{};
}

// An ID3v2 tag stands before mp3, and sometimes before others; its length is 28 bits in four bytes.
std::string_view behind_id3(int fd, std::string_view head) {
  std::size_t size = 10;
  for (std::size_t i = 6; i < 10; ++i) size += (static_cast<std::size_t>(head[i]) & 0x7f) << (7 * (9 - i));
  const auto next = sys::read_at(fd, 16, static_cast<off_t>(size));
  if (!next) return {};
  if (at(*next, 0, "fLaC")) return "flac";
  return mpeg_audio(*next) == "aac" ? "aac" : "mp3";
}

std::string_view known(int fd, std::string_view head) {
  for (const Magic& magic : kMagics)
    if (at(head, magic.offset, magic.bytes)) return magic.demuxer;
  if (const auto name = riff(head); !name.empty()) return name;
  if (head.size() >= 10 && at(head, 0, "ID3")) return behind_id3(fd, head);
  if (is_mpegts(head)) return "mpegts";
  if (const auto name = annex_b(head); !name.empty()) return name;
  return mpeg_audio(head);
}

}  // namespace

Result<std::string> sniff_demuxer(const std::string& path) {
  FFRTMP_ASSIGN(const sys::Fd fd, sys::open_file(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  FFRTMP_ASSIGN(const std::string head, sys::read_at(fd.get(), kHeadBytes, 0));
  if (head.empty()) return make_error(Errc::kInvalid, "the input is empty");
  if (const auto name = referring(head))
    return make_error(Errc::kForbidden, cat("the input is ", *name, ", which refers to other files"));
  const std::string_view demuxer = known(fd.get(), head);
  if (demuxer.empty()) return make_error(Errc::kForbidden, "the input is of no media format that is accepted");
  return std::string(demuxer);
}

}  // namespace ffrtmp::media
