#pragma once
// The files of an HLS output: how its segments are named, what identifies the set, and a copy of it.
//
//   <stem>.m3u8                          the playlist, at the path that the job names
//   <stem>.<attempt uuid>.<number>.ts    its segments, beside it
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "media/hls_output.h"
#include "worker/reuse.h"

namespace ffrtmp::worker {

// "film.<attempt>." for "film.m3u8". What has a meaning in a playlist or in ffmpeg's patterns becomes '_'.
[[nodiscard]] std::string segment_prefix(const std::string& playlist_name, const Uuid& attempt);
// The prefix of a segment's name when an attempt of this program wrote it for this playlist; else nothing.
[[nodiscard]] std::optional<std::string> prefix_of_segment(std::string_view segment, const std::string& playlist_name);

struct Playlist {
  std::string text;
  media::HlsList list;
};
// kGone: no regular file is there.
[[nodiscard]] Result<Playlist> read_playlist(const std::string& path);

// Sum of the sizes, and a digest over the playlist without `prefix` and the segments: a copy that was made for another
// attempt has the same. Each segment lies in the first of `dirs` that has it, the playlist in the first one.
// kCorrupt: a segment with another name.
[[nodiscard]] Result<FileDigest> digest_of_hls(const std::vector<std::string>& dirs, const std::string& playlist_name,
                                               const std::string& prefix);
// The set in `dir` whose digest is `wanted`, copied into `to`, its segments renamed to begin with `prefix`. False: the
// path holds another one, or none. `to` exists.
[[nodiscard]] Result<bool> copy_equal_hls(const std::string& dir, const std::string& playlist_name,
                                          const FileDigest& wanted, const std::string& to, const std::string& prefix);

}  // namespace ffrtmp::worker
