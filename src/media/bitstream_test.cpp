#include "media/bitstream.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace ffrtmp::media {
namespace {

using namespace std::string_literals;

class FindDamage : public testing::Test {
 protected:
  // What is said of a file whose only packet holds these bytes.
  std::string damage_of(const std::string& bytes, const char* codec, std::optional<int> nal_length_bytes) {
    const std::string path = dir_ / "film.mp4";
    test::write_file(path, bytes);
    Scan scan;
    scan.probe.format = "mov,mp4,m4a,3gp,3g2,mj2";
    ProbedStream& video = scan.probe.streams.emplace_back();
    video.type = "video";
    video.codec = codec;
    video.nal_length_bytes = nal_length_bytes;
    Packet& packet = scan.packets.emplace_back();
    packet.stream = 0;
    packet.pts = packet.dts = 1;
    packet.pos = 0;
    packet.size = static_cast<std::int64_t>(bytes.size());
    const auto found = find_damage(path, scan);
    EXPECT_TRUE(found) << found.error().message;
    return found ? found->value_or("") : "";
  }

  test::TempDir dir_;
};

const std::string kUnits = "\0\0\0\3\x65\x11\x22\0\0\0\2\x41\x33"s;

TEST_F(FindDamage, UnitsThatFillThePacketAreWell) { EXPECT_EQ(damage_of(kUnits, "h264", 4), ""); }

TEST_F(FindDamage, WrongLengthsIllegalUnitsAndForbiddenBytesAreTold) {
  constexpr const char* kPlace = "the video (stream 0) is damaged at 1.00 s, byte 0: ";
  std::string wrong_length = kUnits;
  wrong_length[3] = 4;
  EXPECT_EQ(damage_of(wrong_length, "h264", 4), kPlace + "units that do not fill the packet"s);
  std::string illegal = kUnits;
  illegal[4] = '\xe5';  // forbidden_zero_bit
  EXPECT_EQ(damage_of(illegal, "h264", 4), kPlace + "an illegal unit"s);
  EXPECT_EQ(damage_of("\0\0\0\5\x65\x11\0\0\1"s, "h264", 4), kPlace + "bytes that no encoder writes"s);
  EXPECT_EQ(damage_of("a" + std::string(64, '\0'), "vp9", std::nullopt), kPlace + "a run of zero bytes"s);
  EXPECT_EQ(damage_of("a" + std::string(63, '\0') + "b", "vp9", std::nullopt), "");
}

// Start codes in place of lengths, as some files that are copied hold them: ffprobe says 0.
TEST_F(FindDamage, UnitsWithoutLengthsAreNotJudged) {
  const std::string start_codes = "\0\0\0\1\x65\x11\x22"s;
  EXPECT_EQ(damage_of(start_codes, "h264", 0), "");
  EXPECT_EQ(damage_of(start_codes, "h264", std::nullopt), "");
}

}  // namespace
}  // namespace ffrtmp::media
