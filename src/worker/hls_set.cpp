#include "worker/hls_set.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "media/hls_output.h"
#include "net/digest.h"
#include "sys/file_io.h"

namespace ffrtmp::worker {
namespace {

constexpr std::size_t kMaxPlaylist = 16 << 20;  // some 200,000 segments
constexpr std::size_t kUuidText = 36;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

std::string plain_stem(const std::string& playlist_name) {
  std::string stem = std::filesystem::path(playlist_name).stem().string();
  std::replace_if(
      stem.begin(), stem.end(), [](char c) { return !is_plain(c); }, '_');
  return stem;
}

bool is_file(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string find_in(const std::vector<std::string>& dirs, const std::string& name) {
  for (const std::string& dir : dirs)
    if (std::string path = cat(dir, "/", name); is_file(path)) return path;
  return cat(dirs.front(), "/", name);
}

}  // namespace

Result<Playlist> read_playlist(const std::string& path) {
  if (!is_file(path)) return make_error(Errc::kGone, cat("no playlist ", path));
  Playlist out;
  FFRTMP_ASSIGN(out.text, sys::read_text(path, kMaxPlaylist));
  FFRTMP_ASSIGN(out.list, media::parse_hls(out.text));
  return out;
}

std::string segment_prefix(const std::string& playlist_name, const Uuid& attempt) {
  return cat(plain_stem(playlist_name), ".", attempt.str(), ".");
}

std::optional<std::string> prefix_of_segment(std::string_view segment, const std::string& playlist_name) {
  const std::string start = cat(plain_stem(playlist_name), ".");
  const std::size_t length = start.size() + kUuidText + 1;
  if (!segment.starts_with(start) || segment.size() <= length || !segment.ends_with(".ts")) return std::nullopt;
  if (segment[length - 1] != '.' || !parse_uuid(segment.substr(start.size(), kUuidText))) return std::nullopt;
  const std::string_view number = segment.substr(length, segment.size() - length - 3);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return std::string(segment.substr(0, length));
}

Result<FileDigest> digest_of_hls(const std::vector<std::string>& dirs, const std::string& playlist_name,
                                 const std::string& prefix) {
  FFRTMP_ASSIGN(const Playlist playlist, read_playlist(cat(dirs.front(), "/", playlist_name)));
  FileDigest out;
  out.size = static_cast<std::int64_t>(playlist.text.size());
  std::string all = replaced(playlist.text, prefix, "");
  for (const std::string& segment : playlist.list.segments) {
    if (prefix_of_segment(segment, playlist_name) != prefix)
      return make_error(Errc::kCorrupt, cat("the playlist names a segment of another output: ", escape(segment)));
    FFRTMP_ASSIGN(const FileDigest one, digest_of(find_in(dirs, segment)));
    out.size += one.size;
    all += one.sha256;
  }
  out.sha256 = net::sha256_hex(all);
  return out;
}

Result<bool> copy_equal_hls(const std::string& dir, const std::string& playlist_name, const FileDigest& wanted,
                            const std::string& to, const std::string& prefix) {
  auto playlist = read_playlist(cat(dir, "/", playlist_name));
  if (!playlist || playlist->list.segments.empty()) return false;
  const auto old_prefix = prefix_of_segment(playlist->list.segments.front(), playlist_name);
  if (!old_prefix) return false;
  const auto is_wanted = [&](const Result<FileDigest>& found) {
    return found && found->size == wanted.size && found->sha256 == wanted.sha256;
  };
  if (!is_wanted(digest_of_hls({dir}, playlist_name, *old_prefix))) return false;
  for (const std::string& segment : playlist->list.segments)
    FFRTMP_TRY(copy_file(cat(dir, "/", segment), cat(to, "/", prefix, segment.substr(old_prefix->size()))));
  FFRTMP_TRY(sys::write_atomic(cat(to, "/", playlist_name), replaced(playlist->text, *old_prefix, prefix), 0644,
                               sys::Sync::kNo));
  // Once more: the first one may have changed meanwhile.
  return is_wanted(digest_of_hls({to}, playlist_name, prefix));
}

}  // namespace ffrtmp::worker
