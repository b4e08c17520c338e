#include "media/stream_choice.h"

#include <gtest/gtest.h>

namespace ffrtmp::media {
namespace {

using Texts = std::vector<std::string>;

ProbedStream stream(int index, const char* type, const char* codec, int width = 0, const char* language = "und") {
  ProbedStream out;
  out.index = index;
  out.type = type;
  out.codec = codec;
  if (width > 0) out.width = width, out.height = width / 2;
  out.language = language;
  return out;
}

Probe rich() {
  Probe out;
  out.streams = {stream(0, "video", "h264", 640),  stream(1, "audio", "aac", 0, "eng"),
                 stream(2, "video", "h264", 1920), stream(3, "audio", "ac3", 0, "ger"),
                 stream(4, "subtitle", "subrip"),  stream(5, "subtitle", "hdmv_pgs_subtitle"),
                 stream(6, "data", "bin_data"),    stream(7, "video", "mjpeg", 4000)};
  out.streams[7].is_attached_pic = true;
  return out;
}

// contract: F50
TEST(ChooseStreams, DefaultKeepsTheBestAndNamesTheRest) {
  const auto mp4 = choose_streams(rich(), {}, "mp4");
  ASSERT_TRUE(mp4);
  EXPECT_EQ(mp4->maps, (Texts{"0:2", "0:1", "0:3", "0:4"}));
  EXPECT_EQ(mp4->subtitle_encoders, Texts{"mov_text"});
  EXPECT_EQ(mp4->left_out, (Texts{"stream 0 (video, h264): not the best video; ask for it with streams",
                                  "stream 5 (subtitle, hdmv_pgs_subtitle): mp4 cannot hold it",
                                  "stream 6 (data, bin_data): neither picture, sound nor subtitle",
                                  "stream 7 (video, mjpeg): a cover picture"}));
  const auto mkv = choose_streams(rich(), {}, "matroska");
  EXPECT_EQ(mkv->maps, (Texts{"0:2", "0:1", "0:3", "0:4", "0:5"}));
  EXPECT_EQ(mkv->subtitle_encoders, (Texts{"copy", "copy"}));
}

TEST(ChooseStreams, AllAndSpecifiersAndNoSound) {
  model::Parameters p;
  p.streams = {"all"};
  EXPECT_EQ(choose_streams(rich(), p, "mp4")->maps, (Texts{"0:0", "0:2", "0:1", "0:3", "0:4"}));
  p.streams = {"v:0", "a:m:language:ger"};
  EXPECT_EQ(choose_streams(rich(), p, "mp4")->maps, (Texts{"0:0", "0:3"}));
  p.streams = {"0", "a:1"};
  const auto two = choose_streams(rich(), p, "mp4");
  EXPECT_EQ(two->maps, (Texts{"0:0", "0:3"}));
  EXPECT_EQ(two->video_streams, 1);
  EXPECT_EQ(two->audio_streams, 1);
  p.streams = {"a:7"};
  EXPECT_EQ(choose_streams(rich(), p, "mp4").error().message, "streams: \"a:7\" matches no stream of the input");
  p.streams = {"s:1"};
  EXPECT_EQ(choose_streams(rich(), p, "mp4").error().message,
            "streams: stream 5 (subtitle, hdmv_pgs_subtitle): mp4 cannot hold it");
  p.streams = {"default"};
  p.audio_codec = model::AudioCodec::kNone;
  EXPECT_EQ(choose_streams(rich(), p, "mp4")->audio_streams, 0);
  EXPECT_EQ(choose_streams({}, {}, "mp4").error().code, Errc::kInvalid);
}

TEST(ChooseStreams, ACoverPictureIsNotCountedAmongPictures) {
  Probe input;
  input.streams = {stream(0, "video", "mjpeg", 600), stream(1, "audio", "aac"), stream(2, "video", "h264", 640)};
  input.streams[0].is_attached_pic = true;
  model::Parameters p;
  p.streams = {"V:0"};
  const auto choice = choose_streams(input, p, "mp4");
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_EQ(choice->maps, Texts{"0:2"});
  p.streams = {"V:1"};
  EXPECT_FALSE(choose_streams(input, p, "mp4"));
}

TEST(ChooseStreams, FlvHoldsOneSound) {
  const auto flv = choose_streams(rich(), {}, "flv");
  ASSERT_TRUE(flv);
  EXPECT_EQ(flv->maps, (Texts{"0:2", "0:1"}));
  EXPECT_EQ(flv->audio_streams, 1);
  EXPECT_EQ(flv->left_out[1], "stream 3 (audio, ac3): flv cannot hold a second one");
  model::Parameters p;
  p.streams = {"v:1", "a"};
  EXPECT_EQ(choose_streams(rich(), p, "flv").error().message,
            "streams: stream 3 (audio, ac3): flv holds one audio");
}

TEST(MuxerFor, ByExtension) {
  EXPECT_EQ(*muxer_for("/a/b.MP4"), "mp4");
  EXPECT_EQ(*muxer_for("/a/b.part.mkv"), "matroska");
  EXPECT_EQ(*muxer_for("/a/b.m3u8"), "hls");
  EXPECT_EQ(muxer_for("/a.b/c").error().code, Errc::kInvalidField);
  EXPECT_EQ(muxer_for("/a/c.exe").error().field, "parameters.output");
}

TEST(DefaultExtension, HoldsTheCodec) {
  model::Parameters p;
  EXPECT_EQ(default_extension(p), "mp4");
  for (const char* codec : {"h265", "av1", "libsvtav1", "copy", "hevc_nvenc"}) {
    p.codec = codec;
    EXPECT_EQ(default_extension(p), "mp4") << codec;
  }
  for (const char* codec : {"vp8", "vp9", "libvpx-vp9", "vp9_vaapi"}) {
    p.codec = codec;
    EXPECT_EQ(default_extension(p), "webm") << codec;
  }
  p.audio_codec = model::AudioCodec::kNone;
  EXPECT_EQ(default_extension(p), "webm");
  p.audio_codec = model::AudioCodec::kAac;
  EXPECT_EQ(default_extension(p), "mkv");
  p.output_mode = model::OutputMode::kHls;
  EXPECT_EQ(default_extension(p), "m3u8");
}

}  // namespace
}  // namespace ffrtmp::media
