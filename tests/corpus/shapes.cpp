#include "tests/corpus/shapes.h"

#include "base/text.h"
#include "tests/support/clips.h"

namespace ffrtmp::test {
namespace {

using Files = std::vector<GoodFile>;
using Words = std::vector<std::string>;

const std::string kAac = "-c:a aac ";
const std::string kTwoSeconds = "-t 2 ";
const std::string kX264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p ";

std::string picture(const std::string& size, const std::string& rate) {
  return cat("-f lavfi -i testsrc2=size=", size, ":rate=", rate, " ");
}

// `count` files that take turns in containers of the input and of the output.
template <class Make>
void add(Files& out, std::size_t count, const Words& inputs, const Words& outputs, Make make) {
  for (std::size_t i = 0; i < count; ++i) {
    GoodFile file = make(i);
    file.extension = inputs[i % inputs.size()];
    file.output = outputs[i / inputs.size() % outputs.size()];
    out.push_back(std::move(file));
  }
}

GoodFile made(std::string shape, std::string args, Words named = {}) {
  GoodFile file;
  file.shape = std::move(shape);
  file.args = std::move(args);
  file.named = std::move(named);
  return file;
}

const Words kContainers{"mp4", "mkv", "ts", "mov"};
const Words kOutputs{"mp4", "mkv", "ts"};

void add_times(Files& out) {
  const Words selections{"not(mod(n\\,3))+gt(n\\,40)", "not(mod(n\\,5))", "lt(n\\,20)+gt(n\\,35)",
                         "not(mod(n\\,7))+lt(n\\,9)"};
  add(out, 12, {"mp4", "mkv", "mov"}, kOutputs, [&](std::size_t i) {
    return made("vfr",
                kPicture + kSound + kTwoSeconds + "-vf select=" + selections[i % 4] + " -fps_mode vfr " + kH264 + kAac);
  });
  add(out, 6, {"mp4", "mkv"}, {"mp4"}, [&](std::size_t i) {
    GoodFile file = made("vfr_to_constant",
                         kPicture + kTwoSeconds + "-vf select=" + selections[i % 2 * 2] + " -fps_mode vfr " + kH264,
                         {"variable frame rate: to a constant 25"});
    file.parameters.fps = 25;
    return file;
  });
  const Words offsets{"-1", "-0.5", "-0.04", "-0.8"};
  add(out, 10, {"mp4", "mkv", "mov"}, kOutputs, [&](std::size_t i) {
    return made("negative_start", kPicture + kSound + kTwoSeconds + kX264 + kAac + "-output_ts_offset " +
                                      offsets[i % 4] + " -avoid_negative_ts disabled");
  });
  const Words rates{"30000/1001", "24000/1001", "60000/1001", "25", "50", "12.5"};
  add(out, 12, kContainers, kOutputs, [&](std::size_t i) {
    return made("rate", picture("320x180", rates[i % 6]) + kSound + kTwoSeconds + kH264 + kAac);
  });
  const Words starts{"0.53", "1.03", "0.7", "1.51"};
  add(out, 10, {"mp4", "mov"}, kOutputs, [&](std::size_t i) {
    return made("edit_list", "-ss " + starts[i % 4] + " -i " + plain_clip() + " -c copy",
                {"edit list: carried out; the output has not the [0-9]+ pictures"});
  });
  add(out, 8, {"mp4", "mkv", "ts"}, kOutputs, [&](std::size_t i) {
    return made("late_picture",
                kSound + "-itsoffset " + cat("0.", 3 + 2 * (i % 4)) + " " + kPicture + "-t 3 " + kH264 + kAac);
  });
}

void add_pictures(Files& out) {
  add(out, 12, kContainers, kOutputs, [&](std::size_t i) {
    return made("open_gop", kPicture + kSound + kTwoSeconds + kX264 + "-bf 3 -g " + cat(12 + 6 * (i % 4)) +
                                " -x264-params open-gop=1 " + kAac);
  });
  const Words deep{"-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le ",
                   "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le ",
                   "-c:v libx264 -preset ultrafast -pix_fmt yuv422p10le "};
  add(out, 12, {"mkv", "mp4", "ts"}, kOutputs, [&](std::size_t i) {
    return made("ten_bit", kPicture + kSound + kTwoSeconds + deep[i / 3 % 3] + kAac,
                {"pixel format: yuv42[02]p10le to yuv420p"});
  });
  add(out, 6, {"mkv", "mp4"}, {"mkv", "mp4"}, [&](std::size_t i) {
    GoodFile file = made("ten_bit_kept", kPicture + "-t 1 " + deep[i % 2]);
    file.parameters.pixel_format = "yuv420p10le";
    file.entries = "stream=pix_fmt";
    file.streams = "v";
    file.said = "yuv420p10le";
    return file;
  });
  const Words fields{"interleave_top", "interleave_bottom"};
  add(out, 10, {"ts", "mkv", "mp4", "mov"}, kOutputs, [&](std::size_t i) {
    const std::string coded = i % 3 == 2 ? "-c:v mpeg2video -flags +ildct+ilme -b:v 2M -pix_fmt yuv420p "
                                         : "-c:v libx264 -preset veryfast -flags +ildct+ilme -pix_fmt yuv420p ";
    return made("interlaced", kPicture + kSound + kTwoSeconds + "-vf tinterlace=" + fields[i % 2] + " " + coded + kAac,
                {"interlace: "});
  });
  add(out, 9, {"mp4", "mov"}, kOutputs, [&](std::size_t i) {
    GoodFile file = made("rotated", "-i " + plain_clip() + " -c copy -metadata:s:v rotate=" + cat(90 * (i % 3 + 1)),
                         {"rotation: the picture is turned by -?[0-9]+ degrees"});
    file.entries = "stream=width";
    file.streams = "v";
    file.said = i % 3 == 1 ? "320" : "180";
    return file;
  });
  add(out, 6, {"mp4", "mov"}, {"mp4", "mkv"}, [&](std::size_t i) {
    GoodFile file = made("rotated_copy", "-i " + plain_clip() + " -c copy -metadata:s:v rotate=90");
    file.parameters.codec = "copy";
    if (i / 2 % 2 == 1) file.named = {"rotation by -?[0-9]+ degrees: matroska cannot hold it"};
    return file;
  });
  add(out, 10, kContainers, kOutputs, [&](std::size_t i) {
    return made("few_pictures", picture("320x180", "30") + "-frames:v " + cat(i % 2 == 0 ? 1 : i) + " " + kH264);
  });
  add(out, 6, {"mkv", "mp4", "mov"}, kOutputs, [&](std::size_t i) {
    return made("odd_size", picture(cat(321 - 2 * i, "x", 181 + i), "30") + kTwoSeconds +
                                "-c:v libx264 -preset ultrafast -pix_fmt yuv444p");
  });
  const Words tags{"bt709", "smpte170m", "bt2020nc"};
  const Words primaries{"bt709", "smpte170m", "bt2020"};
  add(out, 9, {"mp4", "mkv", "ts"}, kOutputs, [&](std::size_t i) {
    GoodFile file = made("colours", kPicture + kTwoSeconds + kH264 + "-colorspace " + tags[i % 3] +
                                        " -color_primaries " + primaries[i % 3] + " -color_trc bt709 -color_range tv");
    file.entries = "stream=color_space,color_transfer,color_primaries";
    file.streams = "v";
    file.said = cat(tags[i % 3], ",bt709,", primaries[i % 3]);
    return file;
  });
  add(out, 6, {"mkv", "mp4", "ts"}, kOutputs, [&](std::size_t) {
    GoodFile file = made(
        "hdr",
        kPicture +
            "-t 1 -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -color_primaries bt2020 "
            "-color_trc smpte2084 -colorspace bt2020nc -color_range tv -x265-params log-level=none:hdr10=1:"
            "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400",
        {"HDR metadata \\(mastering display, light level\\): not encoded"});
    file.entries = "stream=color_space,color_transfer,color_primaries";
    file.streams = "v";
    file.said = "bt2020nc,smpte2084,bt2020";
    file.parameters.pixel_format = "yuv420p10le";
    return file;
  });
  const Words coders{"-c:v mpeg4 -q:v 4 ",
                     "-c:v mpeg2video -q:v 4 ",
                     "-c:v mjpeg -pix_fmt yuvj420p -q:v 4 ",
                     "-c:v prores -pix_fmt yuv422p10le ",
                     "-c:v ffv1 ",
                     "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 "};
  add(out, 12, {"mkv", "mkv", "mkv", "mov", "mkv", "mp4"}, kOutputs, [&](std::size_t i) {
    return made("other_codec", kPicture + kSound + "-t 1 -pix_fmt yuv420p " + coders[i % 6] + kAac);
  });
}

void add_sounds(Files& out) {
  const std::string two = "-f lavfi -i sine=frequency=400:sample_rate=44100 ";
  add(out, 10, kContainers, {"mp4", "mkv", "ts", "mov"}, [&](std::size_t) {
    GoodFile file = made("several_sounds", kPicture + kSound + two + "-map 0 -map 1 -map 2 " + kTwoSeconds + kH264 +
                                               kAac + "-metadata:s:a:1 language=ger");
    file.entries = "stream=codec_type";
    file.said = "audio\naudio";
    file.streams = "a";
    return file;
  });
  const Words surround{"-c:a aac ", "-c:a ac3 ", "-c:a eac3 ", "-c:a aac "};
  add(out, 12, kContainers, {"mp4", "mkv", "webm"}, [&](std::size_t i) {
    GoodFile file = made("surround", kPicture + "-f lavfi -i anoisesrc=c=pink:r=48000:a=0.2 " + kTwoSeconds + kH264 +
                                         surround[i % 4] + "-ac 6");
    file.entries = "stream=channels";
    file.streams = "a";
    file.said = "6";
    if (i / 4 % 3 == 2) file.parameters.codec = "libvpx-vp9";
    return file;
  });
  add(out, 5, {"mp4", "mkv"}, {"mp3"}, [&](std::size_t) {
    return made("surround_to_mp3", "-f lavfi -i anoisesrc=c=pink:r=48000:a=0.2 " + kTwoSeconds + kAac + "-ac 6",
                {"6 channels to 2"});
  });
  add(out, 8, {"mp4", "mkv", "ts"}, kOutputs, [&](std::size_t i) {
    return made("longer_sound",
                kPicture + "-f lavfi -i sine=duration=" + cat(3 + i % 3) + " -vf trim=end=2 " + kH264 + kAac);
  });
  add(out, 6, {"mp4", "mkv", "ts"}, kOutputs, [&](std::size_t i) {
    return made("shorter_sound", kPicture + "-f lavfi -i sine=duration=" + cat(1 + i % 2) + " -t 3 " + kH264 + kAac);
  });
  const Words alone{"-c:a libmp3lame", "-c:a flac", "-c:a pcm_s16le", "-c:a libvorbis", "-c:a aac"};
  add(out, 10, {"mp3", "flac", "wav", "ogg", "aac"}, {"mp4", "mkv"},
      [&](std::size_t i) { return made("sound_alone", kSound + kTwoSeconds + alone[i % 5]); });
  add(out, 5, {"mp4", "mkv", "ts"}, {"flv"}, [&](std::size_t) {
    return made("several_sounds_to_flv", kPicture + kSound + two + "-map 0 -map 1 -map 2 " + kTwoSeconds + kH264 + kAac,
                {"stream 2 \\(audio, aac\\): flv cannot hold a second one"});
  });
}

void add_more(Files& out) {
  const Words outputs{"mp4", "mkv", "webm", "ts"};
  add(out, 12, {"mkv", "mp4", "webm"}, outputs, [&](std::size_t i) {
    const bool from_webm = i % 3 == 2;
    GoodFile file =
        made("subtitles", "-i " + rich_clip("mkv") + " -map 0:v -map 0:a -map 0:s " + kTwoSeconds +
                              (from_webm ? "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus -c:s webvtt"
                                         : cat("-c copy -c:s ", i % 3 == 0 ? "srt" : "mov_text")));
    const std::string& to = outputs[i / 3 % 4];
    if (to == "webm") file.parameters.codec = "libvpx";
    if (to == "ts") file.named = {"stream 3 \\(subtitle, [a-z_]+\\): mpegts cannot hold it"};
    return file;
  });
  add(out, 8, {"mkv", "mp4", "mov"}, kOutputs, [&](std::size_t i) {
    GoodFile file = made("chapters", "-i " + rich_clip("mkv") + " -map 0:v -map 0:a -c copy -t 4");
    if (i / 3 % 3 == 2) file.named = {"2 chapters: mpegts cannot hold them"};
    file.entries = "chapter=id";
    if (i / 3 % 3 == 0) file.said = "0\n1";
    if (i / 3 % 3 == 1) file.said = "1\n2";
    return file;
  });
  add(out, 10, {"h264", "mkv", "ts", "flv", "mpg"}, kOutputs, [&](std::size_t i) {
    // A file that went through a pipe cannot tell its length in front.
    const Words piped{"-f h264 pipe:", "-f matroska pipe:", "-f mpegts pipe:", "-f flv pipe:", ""};
    return made("no_duration", i % 5 == 4 ? kPicture + kSound + kTwoSeconds + "-c:v mpeg2video -c:a mp2 -f mpeg"
                                          : kPicture + (i % 5 == 0 ? "" : kSound) + kTwoSeconds + kH264 +
                                                (i % 5 == 0 ? "" : kAac) + piped[i % 5]);
  });
  add(out, 6, {"mp4", "mkv", "ts"}, {"mp4", "mkv"}, [&](std::size_t i) {
    GoodFile file = made("cut", "-i " + plain_clip() + " -c copy");
    file.parameters.duration_seconds = 1.1 + 0.37 * static_cast<double>(i);
    return file;
  });
  add(out, 5, {"mp4", "mkv"}, {"mp4", "mkv"}, [&](std::size_t) {
    return made("cover",
                "-i " + plain_clip() +
                    " -f lavfi -i testsrc2=size=64x64:rate=1:duration=1 -map 0 -map 1 -c copy "
                    "-c:v:1 mjpeg -pix_fmt:v:1 yuvj420p -disposition:v:1 attached_pic",
                {"a cover picture|not the best video"});
  });
}

}  // namespace

std::vector<GoodFile> good_files() {
  Files out;
  add_times(out);
  add_pictures(out);
  add_sounds(out);
  add_more(out);
  return out;
}

}  // namespace ffrtmp::test
