#pragma once
// Where media comes from and goes to, as text: a path or a URL. Syntax only; the worker resolves paths beneath its
// roots.
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/parameters.h"

namespace ffrtmp::model {

// An absolute path without "..", ".", empty parts, control bytes or a part that reads as an option. kInvalid says what
// is wrong.
[[nodiscard]] Status check_path(std::string_view path);
// `path` as it reads beneath `root`; nothing when its text does not lie there. Slashes at the root's end say nothing.
[[nodiscard]] std::optional<std::string_view> relative_to(std::string_view path, std::string_view root);
// A path. Every protocol of ffmpeg (http:, concat:, data:, subfile:, …) is refused by name: it would let a job read
// what its roots do not hold, or reach hosts on the worker's network.
[[nodiscard]] Status check_input(std::string_view input);
// A path for files and HLS, ending in .m3u8 for the latter alone; rtmp or rtmps for mode rtmp, and srt or udp as well
// for mode stream (live_url.h).
[[nodiscard]] Status check_output(std::string_view output, OutputMode mode);
// rtmp:// or rtmps:// with a host and an application.
[[nodiscard]] Status check_rtmp_url(std::string_view url);

}  // namespace ffrtmp::model
