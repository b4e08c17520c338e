#include "media/encoder_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/describe.hpp>

#include "base/log.h"
#include "base/text.h"
#include "json/json.h"
#include "media/encoder_sessions.h"
#include "media/gstreamer.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"
#include "sys/spawn.h"

namespace ffrtmp::media {
namespace {

struct Cached {
  std::string ffmpeg;      // path, size, time of change in ns
  std::string gst_launch;  // the same; empty: there is none
  std::string version_text;
  std::string kernel;
  std::vector<std::string> drivers;
  UtcTime tried_at{};  // the newest trial's
  int slots = 1;       // up to which sessions were counted
  std::vector<model::Encoder> encoders;
  std::optional<model::Gstreamer> gstreamer;
};
BOOST_DESCRIBE_STRUCT(Cached, (),
                      (ffmpeg, gst_launch, version_text, kernel, drivers, tried_at, slots, encoders, gstreamer))

std::string identity_of(const std::string& ffmpeg) {
  const auto path = sys::find_program(ffmpeg, sys::own_environment());
  struct stat info {};
  if (!path || stat(path->c_str(), &info) != 0) return {};
  return cat(*path, " ", static_cast<std::int64_t>(info.st_size), " ",
             static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec);
}

// A failure that need not last, as a timeout on a busy machine; what is not compiled in stays so.
bool is_worth_another_try(const model::Encoder& encoder) { return !encoder.usable && encoder.reason != kNotCompiledIn; }

// Packages with more elements may come without a change of the program.
bool is_worth_another_try(const model::Gstreamer& found) {
  return !found.usable || !model::gstreamer_gaps(found).empty();
}

struct Known {
  std::vector<model::Encoder> encoders;
  std::optional<model::Gstreamer> gstreamer;
  bool has_sessions = false;  // counted up to as many slots as now
};

Known still_known(const std::string& file, const Cached& present) {
  const auto text = sys::read_text(file);
  if (!text) return {};
  auto old = json::decode<Cached>(*text, json::UnknownKeys::kIgnore);
  if (!old) {
    log::warn("the list of encoders is not readable, probing again", {{"path", file}, {"err", old.error().message}});
    return {};
  }
  if (present.ffmpeg.empty() || old->ffmpeg != present.ffmpeg || old->version_text != present.version_text ||
      old->kernel != present.kernel || old->drivers != present.drivers)
    return {};
  if (old->gst_launch != present.gst_launch) old->gstreamer.reset();
  const bool fresh = old->tried_at <= present.tried_at && present.tried_at - old->tried_at < kFailureKept;
  if (!fresh) {
    std::erase_if(old->encoders, [](const model::Encoder& encoder) { return is_worth_another_try(encoder); });
    if (old->gstreamer && is_worth_another_try(*old->gstreamer)) old->gstreamer.reset();
  }
  return {std::move(old->encoders), std::move(old->gstreamer), old->slots == present.slots};
}

void save(const std::string& file, const Cached& present) {
  if (const Status saved = sys::write_atomic(file, json::encode(present), 0600, sys::Sync::kNo); !saved)
    log::warn("the list of encoders is not kept", {{"path", file}, {"err", saved.error().message}});
}

}  // namespace

Result<Detection> detect_encoders_cached(const DetectionRequest& request, const RunTool& run, const std::string& file,
                                         UtcTime now, const sys::Host& host) {
  FFRTMP_ASSIGN(std::string version_text, read_version_text(request.ffmpeg, run));
  Cached present;
  present.ffmpeg = identity_of(request.ffmpeg);
  if (!request.gst_launch.empty()) present.gst_launch = identity_of(request.gst_launch);
  present.version_text = std::move(version_text);
  if (auto kernel = sys::read_kernel_release(host)) present.kernel = std::move(*kernel);
  present.drivers = request.devices.drivers;
  present.tried_at = now;
  present.slots = request.slots;
  const Known known = request.trust == Trust::kNothing ? Known{} : still_known(file, present);
  std::vector<model::Encoder> trusted = known.encoders;
  if (request.trust == Trust::kSoftwareOnly)
    std::erase_if(trusted, [](const model::Encoder& encoder) { return encoder.usable && encoder.hardware; });
  FFRTMP_ASSIGN(present.encoders, try_encoders(request.ffmpeg, request.devices, run, trusted));
  count_sessions(request.ffmpeg, request.slots, run,
                 known.has_sessions ? known.encoders : std::vector<model::Encoder>(), present.encoders);
  if (!request.gst_launch.empty())
    present.gstreamer = known.gstreamer ? known.gstreamer : detect_gstreamer(request.gst_launch, run);
  if (!known.has_sessions || json::encode(present.encoders) != json::encode(known.encoders) ||
      json::encode(present.gstreamer) != json::encode(known.gstreamer))
    save(file, present);
  return Detection{parse_version(present.version_text), std::move(present.encoders), std::move(present.gstreamer)};
}

}  // namespace ffrtmp::media
