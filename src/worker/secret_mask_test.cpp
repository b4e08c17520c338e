#include "worker/secret_mask.h"

#include <gtest/gtest.h>

namespace ffrtmp::worker {
namespace {

// The stream cut into pieces of `size`, as it is told.
std::string told(std::string_view stream, std::size_t size, std::string_view secret) {
  std::string out;
  while (out.size() < stream.size()) {
    std::string piece(stream.substr(out.size(), size));
    const bool is_last = out.size() + piece.size() == stream.size();
    std::size_t count = mask_secret(piece, secret, is_last);
    if (count == 0) {  // nothing may be told yet: more is read
      piece = stream.substr(out.size(), 2 * secret.size());
      count = mask_secret(piece, secret, out.size() + piece.size() == stream.size());
    }
    out += piece.substr(0, count);
  }
  return out;
}

TEST(SecretMask, EveryOccurrenceWhereverTheStreamIsCut) {
  const std::string stream = "rtmp://h/live/k3y: refused k3yk3y k3 k";
  for (std::size_t size = 1; size <= stream.size(); ++size)
    EXPECT_EQ(told(stream, size, "k3y"), "rtmp://h/live/***: refused ****** k3 k") << size;
  EXPECT_EQ(told(stream, 5, "h"), "rtmp://*/live/k3y: refused k3yk3y k3 k");
}

TEST(SecretMask, WithoutASecretNothingWaits) {
  std::string piece = "abc";
  EXPECT_EQ(mask_secret(piece, "", false), 3U);
  EXPECT_EQ(mask_secret(piece, "cde", false), 2U);
  EXPECT_EQ(mask_secret(piece, "cde", true), 3U);
  EXPECT_EQ(piece, "abc");
}

TEST(SecretMask, AResultsWords) {
  model::AttemptResult result;
  result.error = "rtmp://u:p@h/live/k3y: Connection refused";
  result.output = model::OutputInfo{};
  result.output->verify_error = "k3y";
  result.encoder = model::EncoderUsed{"h264", "libx264", true, "h264_nvenc: k3y"};
  hide_secret(result, "k3y");
  EXPECT_EQ(result.error, "rtmp://***@h/live/***: Connection refused");
  EXPECT_EQ(result.output->verify_error, "***");
  EXPECT_EQ(result.encoder->fallback_reason, "h264_nvenc: ***");
}

}  // namespace
}  // namespace ffrtmp::worker
