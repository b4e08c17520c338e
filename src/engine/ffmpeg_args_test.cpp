#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/encoder_options.h"
#include "engine/engine.h"

namespace ffrtmp::engine {
namespace {

const std::string kGlobal =
    "ffmpeg -nostdin -hide_banner -loglevel level+warning -nostats -progress {progress} -stats_period 0.5 -xerror -y";
const std::string kMovInput = " -protocol_whitelist file -format_whitelist mov -f mov -i file:/in/a.mp4";

InputFacts facts() {
  InputFacts in;
  in.path = "/in/a.mp4";
  in.demuxer = "mov";
  in.has_audio = true;
  in.maps = {"0:0", "0:1"};
  return in;
}

std::string planned(const model::Parameters& p, const InputFacts& in, const std::string& muxer,
                    const std::string& encoder, const std::optional<std::string>& device = {}, int threads = 2) {
  PlanRequest request{p, in, "/out/b.part." + muxer, muxer, encoder, device, "ffmpeg", threads};
  request.segment_pattern = "/out/s%05d.ts";
  auto plan = plan_ffmpeg(request);
  return plan ? join(plan->argv, " ") : cat("error: ", plan.error().field, ": ", plan.error().message);
}

TEST(PlanFfmpeg, DefaultJob) {
  EXPECT_EQ(planned({}, facts(), "mp4", "libx264"),
            kGlobal + kMovInput +
                " -map 0:0 -map 0:1 -fps_mode vfr -pix_fmt yuv420p -c:v libx264 -preset ultrafast"
                " -b:v 2000000 -c:a aac -b:a 128000 -sn -dn -max_muxing_queue_size 4096 -f mp4 file:/out/b.part.mp4");
}

TEST(PlanFfmpeg, EverythingAsked) {  // contract: F37
  model::Parameters p;
  p.codec = "h265";
  p.crf = 60;
  p.preset = "slow";
  p.width = 1920;
  p.height = 1080;
  p.fps = 59.94;
  p.duration_seconds = 23.976;
  p.pixel_format = "yuv420p10le";
  p.audio_codec = model::AudioCodec::kOpus;
  p.threads = 3;
  p.extra_args = {"-g", "60", "-x265-params", "bframes=2"};
  InputFacts in = facts();
  in.subtitle_encoders = {"copy", "subrip"};
  in.maps = {"0:0", "0:1", "0:2", "0:3"};
  EXPECT_EQ(planned(p, in, "matroska", "libx265"),
            kGlobal + kMovInput +
                " -map 0:0 -map 0:1 -map 0:2 -map 0:3 -vf fps=60000/1001,scale=1920:1080 -fps_mode vfr"
                " -pix_fmt yuv420p10le -c:v libx265 -preset slow -crf 51 -threads:v 3 -x265-params"
                " log-level=warning:bframes=2 -g 60 -c:a libopus -b:a 128000 -af"
                " aformat=channel_layouts=mono|stereo|3.0|quad|5.0|5.1|6.1|7.1 -c:s:0 copy -c:s:1 subrip -dn -t 23.976"
                " -max_muxing_queue_size 4096 -f matroska file:/out/b.part.matroska");
}

TEST(PlanFfmpeg, CopyAndHlsAndOddSizes) {
  model::Parameters p;
  p.codec = "copy";
  p.audio_codec = model::AudioCodec::kNone;
  EXPECT_EQ(planned(p, facts(), "mp4", "copy"),
            kGlobal + kMovInput +
                " -map 0:0 -map 0:1 -c:v copy -an -sn -dn -max_muxing_queue_size 4096 -f mp4"
                " file:/out/b.part.mp4");
  p.fps = 30;
  EXPECT_EQ(planned(p, facts(), "mp4", "copy"), "error: parameters.fps: a copied video keeps its frame rate");

  model::Parameters hls;
  hls.output_mode = model::OutputMode::kHls;
  EXPECT_NE(planned(hls, facts(), "hls", "libx264").find("-hls_time 3 -hls_list_size 0 -hls_playlist_type vod -hls_segment_filename file:/out/s%05d.ts -f hls"),
            std::string::npos);
  EXPECT_NE(planned(hls, facts(), "mp4", "libx264").find("-force_key_frames expr:gte(t,n_forced*3)"),
            std::string::npos);
  InputFacts odd = facts();
  odd.width = 321;
  odd.height = 180;
  EXPECT_NE(planned({}, odd, "mp4", "libx264").find("-vf scale=trunc(iw/2)*2:trunc(ih/2)*2"), std::string::npos);
  hls.output_mode = model::OutputMode::kRtmp;
  EXPECT_EQ(planned(hls, facts(), "flv", "libx264"), "error: : a live output and its address go together");
}

// A live run of the facts, 25 frames a second, to `live`.
std::string planned_live(const model::Parameters& p, const LiveOutput& live, const std::string& muxer,
                         const std::string& encoder = "libx264") {
  InputFacts in = facts();
  in.fps = 25;
  PlanRequest request{p, in, "", muxer, encoder, std::nullopt};
  request.live = live;
  const auto plan = plan_ffmpeg(request);
  return plan ? join(plan->argv, " ") : plan.error().message;
}

// contract: F40
TEST(PlanFfmpeg, LiveOutputs) {
  model::Parameters p;
  p.output_mode = model::OutputMode::kStream;
  p.bitrate_bps = 10'000'000;
  p.duration_seconds = 8;
  const std::string start = kGlobal + " -re" + kMovInput + " -map 0:0 -map 0:1 -fps_mode vfr -pix_fmt yuv420p -c:v libx264";
  const std::string rates = " -preset ultrafast -b:v 10000000 -maxrate 10000000 -bufsize 10000000";
  const std::string sound = " -c:a aac -b:a 128000 -ar 48000 -ac 2 -sn -dn -t 8 -max_muxing_queue_size 4096";
  EXPECT_EQ(planned_live(p, {"rtmp://host:1935/live/x", "", "", ""}, "flv"),
            start + rates + " -g 50" + sound + " -f flv -flvflags no_duration_filesize rtmp://host:1935/live/x");
  EXPECT_EQ(planned_live(p, {"rtmps://host:443/live", "live", "/a/output.ffpreset", "/ca.pem"}, "flv"),
            start + rates + " -g 50" + sound +
                " -fpre /a/output.ffpreset -rtmp_app live -tls_verify 1 -ca_file /ca.pem -f flv -flvflags"
                " no_duration_filesize rtmps://host:443/live");
  EXPECT_EQ(
      planned_live(
          p, {"rtmp://host:1935/live/x", "", "", "", "rtmp://203.0.113.7:1935/live/x", "rtmp://host:1935/live"}, "flv"),
      start + rates + " -g 50" + sound +
          " -rtmp_tcurl rtmp://host:1935/live -f flv -flvflags no_duration_filesize rtmp://203.0.113.7:1935/live/x");
  EXPECT_EQ(planned_live(p, {"srt://host:9000", "", "", ""}, "mpegts"),
            start + rates + " -g 50" + sound + " -linger 5 -f mpegts srt://host:9000");
  p.fps = 29.97;
  p.extra_args = {"-g", "30"};
  EXPECT_EQ(planned_live(p, {"udp://host:9000", "", "", ""}, "mpegts"),
            kGlobal + " -re" + kMovInput +
                " -map 0:0 -map 0:1 -vf fps=30000/1001 -fps_mode vfr -pix_fmt yuv420p -c:v libx264" + rates + " -g 60 -g 30" +
                sound + " -f mpegts udp://host:9000");
  model::Parameters copied;
  copied.output_mode = model::OutputMode::kRtmp;
  copied.codec = "copy";
  copied.audio_codec = model::AudioCodec::kCopy;
  EXPECT_EQ(planned_live(copied, {"rtmp://host:1935/live/x", "", "", ""}, "flv", "copy"),
            kGlobal + " -re" + kMovInput +
                " -map 0:0 -map 0:1 -c:v copy -c:a copy -sn -dn -max_muxing_queue_size 4096 -f flv -flvflags"
                " no_duration_filesize rtmp://host:1935/live/x");
}

TEST(PlanFfmpeg, AnInputThatLoops) {
  model::Parameters p;
  p.duration_seconds = 300;
  InputFacts in = facts();
  in.loops = true;
  const std::string text = planned(p, in, "mp4", "libx264");
  EXPECT_NE(text.find(" -f mov -stream_loop -1 -i file:/in/a.mp4"), std::string::npos) << text;
  EXPECT_NE(text.find(" -t 300 "), std::string::npos) << text;
}

TEST(PlanFfmpeg, HardwareIsOpenedAsItWasTried) {
  model::Parameters p;
  p.crf = 24;
  p.width = 1280;
  p.height = 720;
  const std::string end = " -sn -dn -max_muxing_queue_size 4096 -f mp4 file:/out/b.part.mp4";
  InputFacts in = facts();
  in.has_audio = false;
  in.maps = {"0:0"};
  EXPECT_EQ(planned(p, in, "mp4", "h264_vaapi", "/dev/dri/renderD129"),
            kGlobal + " -init_hw_device vaapi=va:/dev/dri/renderD129 -filter_hw_device va" + kMovInput +
                " -map 0:0 -vf scale=1280:720,format=nv12,hwupload -fps_mode vfr -c:v h264_vaapi -rc_mode CQP -qp 24 -an" +
                end);
  p.pixel_format = "yuv420p10le";
  EXPECT_EQ(planned(p, in, "mp4", "hevc_nvenc", "1"),
            kGlobal + kMovInput +
                " -map 0:0 -vf scale=1280:720,format=p010le -fps_mode vfr -c:v hevc_nvenc -gpu 1 -preset p1 -rc vbr -cq 24"
                " -b:v 0 -tag:v hvc1 -an" +
                end);
}

TEST(PlanFfmpeg, SecretsAreMasked) {
  InputFacts in = facts();
  in.path = "https://me:p@ss@host/x?token=k3y";
  model::Parameters p;
  p.stream_key = "k3y";
  const auto plan = plan_ffmpeg({p, in, "/out/b", "mp4", "libx264", std::nullopt});
  ASSERT_TRUE(plan);
  const std::string masked = join(plan->masked_argv, " ");
  EXPECT_NE(masked.find("-protocol_whitelist https,tls,tcp"), std::string::npos);
  EXPECT_NE(masked.find("-i https://***@host/x?token=***"), std::string::npos) << masked;
  EXPECT_NE(join(plan->argv, " ").find("https://me:p@ss@host/x?token=k3y"), std::string::npos);
}

TEST(PlanFfmpeg, PresetsAndRatesOfEachEncoder) {
  model::Parameters crf;
  crf.crf = 30;
  const auto options = [&](const char* encoder) {
    return join(preset_options(encoder, "veryfast"), " ") + " " + join(rate_options(encoder, crf), " ");
  };
  EXPECT_EQ(options("libx264"), "-preset veryfast -crf 30");
  EXPECT_EQ(options("libsvtav1"), "-preset 10 -crf 30");
  EXPECT_EQ(options("libaom-av1"), "-cpu-used 7 -row-mt 1 -crf 30 -b:v 0");
  EXPECT_EQ(options("libvpx-vp9"), "-deadline good -cpu-used 5 -row-mt 1 -crf 30 -b:v 0");
  EXPECT_EQ(options("libvpx"), "-deadline good -cpu-used 5 -crf 30 -b:v 50000000");
  EXPECT_EQ(options("h264_nvenc"), "-preset p2 -rc vbr -cq 30 -b:v 0");
  EXPECT_EQ(options("hevc_qsv"), "-preset veryfast -global_quality 30");
  EXPECT_EQ(options("h264_vaapi"), " -rc_mode CQP -qp 30");
  EXPECT_EQ(resolve_preset("auto", 8), "fast");
  EXPECT_EQ(resolve_preset("auto", 4), "veryfast");
  EXPECT_EQ(resolve_preset("auto", 3), "ultrafast");
  EXPECT_EQ(resolve_preset("slow", 3), "slow");
}

}  // namespace
}  // namespace ffrtmp::engine
