#include "model/ffmpeg_words.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

TEST(FfmpegWords, AddressesAreLeftOut) {
  EXPECT_EQ(without_addresses("[h264_nvenc @ 0x5622749b7380] [error] Cannot load\n[out @ 0x1] y\n"),
            "[h264_nvenc] [error] Cannot load\n[out] y\n");
  for (const char* same : {"", "no address", "[x @ y] z", "[x @ 0x12", "a @ 0x12 b"})
    EXPECT_EQ(without_addresses(same), same);
}

}  // namespace
}  // namespace ffrtmp::model
