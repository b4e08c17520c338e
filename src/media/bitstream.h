#pragma once
// Damage in the bytes of video packets, found without decoding: at the speed of reading the file.
//
// H.264 and HEVC in mov and matroska are units with a length in front (ISO/IEC 14496-15): the lengths must fill a
// packet exactly, a unit's header must be legal, and no unit may hold 00 00 00, 00 00 01 or 00 00 02, which emulation
// prevention makes impossible (ITU-T H.264, 7.4.1). VP8, VP9 and AV1 are arithmetic codes: 64 zero bytes in a row do
// not occur. A transport stream must have its sync byte every 188 bytes (192 in M2TS), and no packet marked as in error.
#include <optional>
#include <string>

#include "base/result.h"
#include "media/packets.h"

namespace ffrtmp::media {

// What is wrong first, with time and byte offset; nothing when all is well or the codec cannot be judged this way.
[[nodiscard]] Result<std::optional<std::string>> find_damage(const std::string& path, const Scan& scan);
[[nodiscard]] Result<std::optional<std::string>> find_ts_damage(const std::string& path);

}  // namespace ffrtmp::media
