#include "media/probe.h"
#include "tests/support/clips.h"

namespace ffrtmp::media {
namespace {

using namespace ffrtmp::test;  // clips and temporary files

std::string sniffed(const std::string& path) {
  const auto demuxer = sniff_demuxer(path);
  return demuxer ? *demuxer : std::string(demuxer.error().code == Errc::kForbidden ? "forbidden" : "invalid");
}

TEST(Sniff, ByContentNotByName) {
  const std::string h264 = kPicture + "-t 1 " + kH264;
  const std::string sound = kSound + "-t 1 ";
  EXPECT_EQ(sniffed(clip("s.mp4", h264)), "mov");
  EXPECT_EQ(sniffed(clip("s.mov", h264)), "mov");
  EXPECT_EQ(sniffed(clip("s.mkv", h264)), "matroska");
  EXPECT_EQ(sniffed(clip("s.ts", h264)), "mpegts");
  EXPECT_EQ(sniffed(clip("s.m2ts", h264)), "mpegts");
  EXPECT_EQ(sniffed(clip("s.flv", h264)), "flv");
  EXPECT_EQ(sniffed(clip("s.avi", h264)), "avi");
  EXPECT_EQ(sniffed(clip("s.h264", h264)), "h264");
  EXPECT_EQ(sniffed(clip("s.hevc", kPicture + "-t 1 -c:v libx265 -x265-params log-level=none")), "hevc");
  EXPECT_EQ(sniffed(clip("s.mxf", kPicture + "-r 25 -t 1 -c:v mpeg2video")), "mxf");
  EXPECT_EQ(sniffed(clip("s.ivf", kPicture + "-t 1 -c:v libvpx -deadline realtime")), "ivf");
  EXPECT_EQ(sniffed(clip("s.y4m", kPicture + "-t 1 -pix_fmt yuv420p")), "yuv4mpegpipe");
  EXPECT_EQ(sniffed(clip("s.mpg", kPicture + "-t 1")), "mpeg");
  EXPECT_EQ(sniffed(clip("s.wmv", kPicture + "-t 1")), "asf");
  EXPECT_EQ(sniffed(clip("s.ogg", sound + "-c:a libopus")), "ogg");
  EXPECT_EQ(sniffed(clip("s.wav", sound)), "wav");
  EXPECT_EQ(sniffed(clip("s.mp3", sound)), "mp3");
  EXPECT_EQ(sniffed(clip("bare.mp3", sound + "-id3v2_version 0")), "mp3");
  EXPECT_EQ(sniffed(clip("s.aac", sound)), "aac");
  EXPECT_EQ(sniffed(clip("s.flac", sound)), "flac");
}

TEST(Sniff, WhatRefersToOtherFilesIsRefusedUnderAnyName) {  // contract: F44
  const TempDir dir;
  const std::string path = dir / "in.mp4";
  for (const char* text : {"#EXTM3U\n#EXTINF:3,\n/etc/shadow\n", "\xef\xbb\xbf#EXTM3U\n", "\n\n#EXTM3U\n",
                           "ffconcat version 1.0\nfile '/etc/shadow'\n",
                           "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">", "<MPD>",
                           "v=0\r\no=- 0 0 IN IP4 10.0.0.1\r\n", ";FFMETADATA1\n", "hello", "file '/etc/shadow'\n",
                           "\x89PNG\r\n\x1a\n0000"}) {
    write_file(path, text);
    EXPECT_EQ(sniffed(path), "forbidden") << text;
  }
  write_file(path, "");
  EXPECT_EQ(sniffed(path), "invalid");
  EXPECT_EQ(sniff_demuxer(dir / "none").error().code, Errc::kGone);
}

}  // namespace
}  // namespace ffrtmp::media
