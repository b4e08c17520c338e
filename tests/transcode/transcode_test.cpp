// A job's way without the fleet (job_way.h). Good media of many kinds pass, damaged media do not. Clips and damage are made here, by ffmpeg and by hand.
#include <gmock/gmock.h>

#include <filesystem>
#include <functional>

#include "base/text.h"
#include "tests/support/clips.h"
#include "tests/support/fake_ffmpeg.h"
#include "tests/transcode/job_way.h"

namespace ffrtmp::media {
namespace {

using namespace ffrtmp::test;  // clips and temporary files

using Job = WayJob;

std::string refusal(const std::string& input) { return test::refusal(Job{input, {}}); }
using test::refusal;

// --- what is good
// -----------------------------------------------------------------------------------------------------

struct Good {
  const char* name;
  std::string args;
};

const std::string kAv = kPicture + kSound;

class GoodInput : public testing::TestWithParam<Good> {};
TEST_P(GoodInput, IsNotRefused) {  // contract: F50
  EXPECT_EQ(refusal(clip(GetParam().name, GetParam().args)), "good");
}
INSTANTIATE_TEST_SUITE_P(
    Transcode, GoodInput,
    testing::Values(
        Good{"plain.mp4", kAv + "-t 4 " + kH264 + "-c:a aac"}, Good{"plain.mkv", kAv + "-t 4 " + kH264 + "-c:a aac"},
        Good{"plain.ts", kAv + "-t 4 " + kH264 + "-c:a aac"}, Good{"plain.flv", kAv + "-t 4 " + kH264 + "-c:a aac"},
        Good{"plain.avi", kAv + "-t 4 -c:v mpeg4 -c:a mp3"},
        Good{"plain.webm", kAv + "-t 2 -c:v libvpx -deadline realtime -c:a libopus"},
        Good{"long.mp4", kAv + "-t 16 " + kH264 + "-c:a aac"},
        Good{"bframes.mp4", kAv + "-t 4 -c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -c:a aac"},
        Good{"opengop.mp4",
             kAv + "-t 16 -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 30 -bf 3 -x264-params open-gop=1 -c:a aac"},
        Good{"opengop.ts",
             kAv + "-t 4 -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 30 -bf 3 -x264-params open-gop=1 -c:a aac"},
        Good{"vfr.mp4", kPicture + "-t 4 -vf select=not(mod(n\\,3))+gt(n\\,60) -fps_mode vfr " + kH264},
        Good{"slides.mp4", kPicture + "-t 6 -vf select=not(mod(n\\,60)) -fps_mode vfr " + kH264},
        Good{"ntsc.mp4", "-f lavfi -i testsrc2=size=320x180:rate=30000/1001 " + kSound + "-t 4 " + kH264 + "-c:a aac"},
        Good{"film.mkv", "-f lavfi -i testsrc2=size=320x180:rate=24000/1001 -t 4 " + kH264},
        Good{"tenbit.mkv", kPicture + "-t 2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p10le"},
        Good{
            "interlaced.ts",
            kPicture +
                "-t 4 -vf tinterlace=interleave_top -c:v libx264 -preset veryfast -flags +ildct+ilme -pix_fmt yuv420p"},
        Good{"longaudio.mp4", kPicture + "-f lavfi -i sine=duration=6 -t 6 -vf trim=end=4 " + kH264 + "-c:a aac"},
        Good{"oneframe.mp4", kPicture + "-frames:v 1 " + kH264}, Good{"silent.mp4", kPicture + "-t 2 " + kH264},
        Good{"twoaudio.mkv", kAv + "-f lavfi -i sine=frequency=400 -map 0 -map 1 -map 2 -t 3 " + kH264 + "-c:a aac"},
        Good{"odd.mkv",
             "-f lavfi -i testsrc2=size=321x181:rate=30 -t 2 -c:v libx264 -preset ultrafast -pix_fmt yuv444p"},
        Good{"latevideo.mkv", kSound + "-itsoffset 1.5 " + kPicture + "-t 4 " + kH264 + "-c:a aac"},
        Good{"negative.mp4", kAv + "-t 4 " + kH264 + "-c:a aac -output_ts_offset -1 -avoid_negative_ts disabled"},
        Good{"negative.mkv", kAv + "-t 4 " + kH264 + "-c:a aac -output_ts_offset -1 -avoid_negative_ts disabled"},
        Good{"raw.h264", kPicture + "-t 3 " + kH264},
        Good{"lowrate.mp4", "-f lavfi -i testsrc2=size=320x180:rate=2 -t 6 " + kH264}),
    [](const auto& i) {
      std::string n = i.param.name;
      std::replace(n.begin(), n.end(), '.', '_');
      return n;
    });

TEST(Transcode, EditListRotationSubtitlesAndSoundAlone) {  // contract: F50
  const std::string plain = plain_clip();
  EXPECT_EQ(refusal(clip("edit.mp4", "-ss 1.03 -i " + plain + " -c copy")), "good");
  EXPECT_EQ(refusal(clip("rotated.mp4", "-i " + plain + " -c copy -metadata:s:v rotate=90")), "good");
  EXPECT_EQ(refusal(clip("sound.mp3", kSound + "-t 5 -c:a libmp3lame")), "good");
  write_file(clip_dir() / "s.srt",
             "1\n00:00:00,500 --> 00:00:01,500\nhello\n\n2\n00:00:02,000 --> 00:00:03,000\nyou\n");
  const std::string subtitled =
      clip("subs.mkv", "-i " + plain + " -i " + (clip_dir() / "s.srt") + " -map 0 -map 1 -c copy -c:s srt");
  for (const char* extension : {"mp4", "mkv", "ts"}) {
    EXPECT_EQ(refusal({subtitled, {}, extension}), "good") << extension;
  }
}

TEST(Transcode, WhatIsAskedIsMade) {  // contract: F37
  Job job{plain_clip(), {}};
  job.parameters.width = 160;
  job.parameters.height = 90;
  job.parameters.fps = 25;
  job.parameters.duration_seconds = 2.5;
  EXPECT_EQ(refusal(job), "good");
  job.parameters.fps = 59.94;
  job.extension = "mkv";
  EXPECT_EQ(refusal(job), "good");
  job.parameters.codec = "libx265";
  job.parameters.pixel_format = "yuv420p10le";
  EXPECT_EQ(refusal(job), "good");
  job.parameters = {};
  job.parameters.codec = "libsvtav1";
  EXPECT_EQ(refusal(job), "good");
  job.parameters.codec = "libvpx-vp9";
  job.extension = "webm";
  EXPECT_EQ(refusal(job), "good");
  job.parameters.codec = "copy";
  job.extension = "mp4";
  EXPECT_EQ(refusal(job), "good");
}

TEST(Transcode, HlsIsJudgedWhole) {
  Job job{clip("hls.mp4", kAv + "-t 8 -g 30 " + kH264 + "-c:a aac"), {}, "m3u8"};
  job.parameters.output_mode = model::OutputMode::kHls;
  EXPECT_EQ(refusal(job), "good");
  const auto spoiled = [&](const std::function<void(const std::string& dir)>& how) {
    return refusal(job, [&](const std::string& playlist) { how(playlist.substr(0, playlist.rfind('/') + 1)); });
  };
  EXPECT_EQ(spoiled([](auto dir) { std::filesystem::remove(dir + "out.00001.ts"); }),
            "output: segment out.00001.ts is missing");
  EXPECT_EQ(spoiled([](auto dir) { write_file(dir + "out.00001.ts", ""); }), "output: segment out.00001.ts is empty");
  EXPECT_EQ(spoiled([](auto dir) {
              const std::string list = read_file(dir + "out.m3u8");
              write_file(dir + "out.m3u8", list.substr(0, list.find("#EXT-X-ENDLIST")));
            }),
            "output: the playlist is not closed (no EXT-X-ENDLIST)");
  EXPECT_NE(spoiled([](auto dir) { std::filesystem::resize_file(dir + "out.00001.ts", 188 * 100); }), "good");
}

TEST(Transcode, HlsOfOtherKindsIsGood) {
  Job job{plain_clip(), {}, "m3u8"};
  job.parameters.output_mode = model::OutputMode::kHls;
  job.parameters.codec = "libx265";
  EXPECT_EQ(refusal(job), "good");
  job.parameters.codec = "copy";
  EXPECT_EQ(refusal(job), "good");
  job.parameters.codec = "h264";
  for (const Good& one :
       {Good{"hls_sound.mp3", kSound + "-t 7 -c:a libmp3lame"}, Good{"hls_silent.mp4", kPicture + "-t 4 " + kH264},
        Good{"hls_ntsc.mp4",
             "-f lavfi -i testsrc2=size=320x180:rate=30000/1001 " + kSound + "-t 7 " + kH264 + "-c:a aac"},
        Good{"hls_bframes.mp4", kAv + "-t 7 -c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -c:a aac"},
        Good{"hls_slow.mp4", "-f lavfi -i testsrc2=size=320x180:rate=2 -t 7 " + kH264},
        Good{"hls_vfr.mp4", kPicture + "-t 7 -vf select=not(mod(n\\,3))+gt(n\\,100) -fps_mode vfr " + kH264}}) {
    job.input = clip(one.name, one.args);
    EXPECT_EQ(refusal(job), "good") << one.name;
  }
  job.input = clip("hls_bframes.mp4", "");
  job.parameters.codec = "copy";
  EXPECT_EQ(refusal(job), "good");
}

// --- damaged inputs
// ---------------------------------------------------------------------------------------------------

// A copy of the clip with its bytes changed.
std::string spoiled(const std::string& source, const std::string& name, const std::function<void(std::string&)>& how) {
  std::string bytes = read_file(source);
  how(bytes);
  const std::string path = clip_dir() / name;
  write_file(path, bytes);
  return path;
}
void half(std::string& bytes) { bytes.resize(bytes.size() / 2); }
void hole(std::string& bytes) { bytes.replace(bytes.size() / 2, 20000, 20000, '\0'); }
void flips(std::string& bytes) {
  for (std::size_t i = 0; i < 200; ++i) bytes[bytes.size() / 4 + i * (bytes.size() / 2 / 200)] ^= 0x20;
}

TEST(Transcode, DamagedInputsAreRefused) {
  const std::string faststart = clip("fast.mp4", "-i " + plain_clip() + " -c copy -movflags +faststart");
  const std::string mkv = plain_clip("plain.mkv");
  const std::string ts = plain_clip("plain.ts");
  EXPECT_THAT(refusal(spoiled(faststart, "half.mp4", half)),
              testing::StartsWith("input: the input is cut short: it declares 4.0"));
  EXPECT_THAT(refusal(spoiled(mkv, "half.mkv", half)),
              testing::StartsWith("input: the input is cut short: it declares 4.0"));
  EXPECT_THAT(refusal(spoiled(plain_clip(), "half_nomoov.mp4", half)), testing::StartsWith("input: "));
  EXPECT_NE(refusal(spoiled(ts, "half.ts", half)), "good");
  int number = 0;
  for (const std::string& source : {faststart, mkv, ts}) {
    const std::string extension = source.substr(source.rfind('.'));
    EXPECT_NE(refusal(spoiled(source, cat("hole", ++number, extension), hole)), "good") << source;
    EXPECT_NE(refusal(spoiled(source, cat("flips", number, extension), flips)), "good") << source;
  }
  write_file(clip_dir() / "empty.mp4", "");
  EXPECT_EQ(refusal(clip_dir() / "empty.mp4"), "input: the input is empty");
  write_file(clip_dir() / "text.mp4", "This is no film.\n");
  EXPECT_EQ(refusal(clip_dir() / "text.mp4"), "input: the input is of no media format that is accepted");
}

// --- damaged outputs
// --------------------------------------------------------------------------------------------------

TEST(Transcode, AnEngineThatDropsMediaIsFoundOut) {  // contract: F53
  const TempDir dir;
  Job job{clip("eight.mp4", kAv + "-t 8 " + kH264 + "-c:a aac"), {}};
  job.level = model::VerifyLevel::kPackets;
  job.program = install_fake_ffmpeg(dir.path(), "drop_tail=2");
  EXPECT_EQ(refusal(job), "output: the video's last frame is at 5.97 s instead of 7.97 s");
  set_fake_behaviour(job.program, "drop_half;lie");
  EXPECT_EQ(refusal(job), "output: the video's last frame is at 3.97 s instead of 7.97 s");
  set_fake_behaviour(job.program, "damage=remove");
  EXPECT_THAT(refusal(job), testing::StartsWith("output: cannot be read: "));
  set_fake_behaviour(job.program, "damage=empty");
  EXPECT_THAT(refusal(job), testing::StartsWith("output: cannot be read: "));
  set_fake_behaviour(job.program, "stderr=[fatal] Something broke");
  EXPECT_EQ(refusal(job), "engine said: Something broke");
  set_fake_behaviour(job.program, "");
  EXPECT_EQ(refusal(job), "good");
}

TEST(Transcode, AZeroedHoleIsFoundByTheBytesAlone) {  // contract: F41
  const TempDir dir;
  Job job{clip("big.mp4", "-f lavfi -i testsrc2=size=640x360:rate=30 " + kSound + "-t 4 " + kH264 + "-c:a aac"), {}};
  job.level = model::VerifyLevel::kPackets;
  job.program = install_fake_ffmpeg(dir.path(), "damage=zero:60000");
  for (const char* extension : {"mp4", "mkv", "ts", "mov"}) {
    job.extension = extension;
    EXPECT_THAT(refusal(job), testing::StartsWith("output: ")) << extension;
  }
  job.extension = "mp4";
  for (const char* codec : {"libx265", "libsvtav1"}) {
    job.parameters.codec = codec;
    job.parameters.bitrate_bps = 4'000'000;
    EXPECT_THAT(refusal(job), testing::HasSubstr("is damaged at")) << codec;
  }
}

TEST(Transcode, FlippedBitsAreFoundByDecoding) {
  const TempDir dir;
  Job job{plain_clip(), {}};
  job.program = install_fake_ffmpeg(dir.path(), "damage=flip:100");
  EXPECT_THAT(refusal(job), testing::StartsWith("output: "));
  job.input = clip("long.mp4", kAv + "-t 16 " + kH264 + "-c:a aac");
  job.level = model::VerifyLevel::kFull;
  EXPECT_THAT(refusal(job), testing::StartsWith("output: "));
}

TEST(Transcode, AKilledMkvDeclaresItsFullLength) {
  // As ffmpeg leaves it when its header knows the duration: the first half of the file under the whole header.
  Job job{clip("eight.mp4", kAv + "-t 8 " + kH264 + "-c:a aac"), {}, "mkv"};
  job.level = model::VerifyLevel::kPackets;
  EXPECT_THAT(refusal(job,
                      [](const std::string& path) {
                        std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
                      }),
              testing::HasSubstr("s instead of 7.97"));
}

}  // namespace
}  // namespace ffrtmp::media
