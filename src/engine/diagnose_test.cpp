#include <gtest/gtest.h>

#include <boost/describe/enum_to_string.hpp>

#include "base/text.h"
#include "engine/engine.h"

namespace ffrtmp::engine {
namespace {

using model::FailureReason;

struct Row {
  const char* tail;  // as ffmpeg 5.1.9 of Debian 12 printed it
  FailureReason reason;
  const char* error;
};

// contract: F18
TEST(Diagnose, MessagesOfFfmpeg51) {
  const Row rows[] = {
      {"[error] none.mp4: No such file or directory\n", FailureReason::kInputError,
       "none.mp4: No such file or directory"},
      {"[mov,mp4,m4a,3gp,3g2,mj2 @ 0x5630b29ae8c0] [error] moov atom not found\n[error] t.mp4: Invalid data found when "
       "processing input\n",
       FailureReason::kInputError, "[mov,mp4,m4a,3gp,3g2,mj2] moov atom not found"},
      {"[error] t.mp4: Permission denied\n", FailureReason::kInputError, "t.mp4: Permission denied"},
      {"[fatal] flip.mp4: corrupt decoded frame in stream 0\n[aac @ 0x556b8d095600] [warning] 2 frames left in the queue "
       "on closing\n",
       FailureReason::kInputError, "flip.mp4: corrupt decoded frame in stream 0"},
      {"[fatal] Unknown encoder 'nosuch'\n", FailureReason::kPlatformError, "Unknown encoder 'nosuch'"},
      {"Unrecognized option 'nosuchopt'.\nError splitting the argument list: Option not found\n",
       FailureReason::kUserError, "Unrecognized option 'nosuchopt'."},
      {"x264 [error]: invalid preset 'zz'\n[libx264 @ 0x5629b3c3f300] [error] Error setting preset/tune zz/(null).\n"
       "[error] Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe "
       "incorrect parameters such as bit_rate, rate, width or height\n",
       FailureReason::kUserError, "[libx264] Error setting preset/tune zz/(null)."},
      {"[fatal] Stream map '0:9' matches no streams.\n", FailureReason::kUserError,
       "Stream map '0:9' matches no streams."},
      {"[tcp @ 0x5627332f0f80] Connection to tcp://127.0.0.1:1 failed: Connection refused\n",
       FailureReason::kNetworkError, "[tcp] Connection to tcp://127.0.0.1:1 failed: Connection refused"},
      {"[tcp @ 0x54] Failed to resolve hostname nosuch.invalid: Name or service not known\nhttp://nosuch.invalid/x: "
       "Input/output error\n",
       FailureReason::kNetworkError, "[tcp] Failed to resolve hostname nosuch.invalid: Name or service not known"},
      {"[rtmp @ 0x556d5c] [error] Server error: Already publishing\n[error] rtmp://127.0.0.1:19350/ok/x: Operation not "
       "permitted\n",
       FailureReason::kNetworkError, "[rtmp] Server error: Already publishing"},
      {"[rtmp @ 0x55eae3] [error] Cannot read RTMP handshake response\n[error] rtmp://127.0.0.1:19445/live/x: End of file\n",
       FailureReason::kNetworkError, "[rtmp] Cannot read RTMP handshake response"},
      {"[error] rtmp://127.0.0.1:19350/none/x: Input/output error\n", FailureReason::kNetworkError,
       "rtmp://127.0.0.1:19350/none/x: Input/output error"},
      {"[tls @ 0x55ec75] [error] Peer certificate failed verification\n[rtmps @ 0x55ec75] [error] Cannot open connection "
       "tls://127.0.0.1:19443\n[error] rtmps://127.0.0.1:19443/live/x: Input/output error\n",
       FailureReason::kNetworkError, "[tls] Peer certificate failed verification"},
      {"[srt @ 0x557fcb] [error] Connection to srt://127.0.0.1:19444 failed: Input/output error\n[error] "
       "srt://127.0.0.1:19444: Input/output error\n",
       FailureReason::kNetworkError, "[srt] Connection to srt://127.0.0.1:19444 failed: Input/output error"},
      {"[error] av_interleaved_write_frame(): Broken pipe\n[error] Error writing trailer of rtmp://127.0.0.1:19350/ok/y: "
       "Broken pipe\n",
       FailureReason::kNetworkError, "av_interleaved_write_frame(): Broken pipe"},
      {"[error] file:/x/y: Input/output error\n", FailureReason::kUnknown, "file:/x/y: Input/output error"},
      {"[error] Could not write header for output file #0 (incorrect codec parameters ?): No space left on device\n",
       FailureReason::kPlatformError,
       "Could not write header for output file #0 (incorrect codec parameters ?): No space left on device"},
      {"[mp4 @ 0x55e6f93c0f80] [error] Could not find tag for codec vp8 in stream #0, codec not currently supported in "
       "container\n[error] Could not write header for output file #0 (incorrect codec parameters ?): Invalid argument\n",
       FailureReason::kUserError,
       "[mp4] Could not find tag for codec vp8 in stream #0, codec not currently supported in container"},
      {"ffmpeg: error while loading shared libraries: liblapack.so.3: failed to map segment from shared object\n",
       FailureReason::kPlatformError,
       "ffmpeg: error while loading shared libraries: liblapack.so.3: failed to map segment from shared object"},
      {"[libx264 @ 0x1] [error] malloc of size 1 failed\n[fatal] Cannot allocate memory\n",
       FailureReason::kResourceError, "Cannot allocate memory"},
      {"Conversion failed!\n", FailureReason::kRuntimeError, "Conversion failed!"},
      {"something new\n", FailureReason::kUnknown, "something new"},
      {"", FailureReason::kUnknown, "exit 1 without a word"},
  };
  for (const Row& row : rows) {
    const Diagnosis found = diagnose(1, std::nullopt, row.tail);
    EXPECT_EQ(found.reason, row.reason) << row.tail;
    EXPECT_EQ(found.error, row.error);
  }
}

TEST(Diagnose, ASignalIsNotExplained) {  // contract: F47
  const Diagnosis found = diagnose(std::nullopt, 11, "[error] x\n");
  EXPECT_EQ(found.reason, FailureReason::kUnknown);
  EXPECT_EQ(found.error, "ended by signal 11: x");
}

TEST(ErrorLines, DamageCountsRemarksDoNot) {
  const auto lines = error_lines(
      "[mp4 @ 0x1] [warning] Non-monotonous DTS in output stream 0:1; previous: 3, current: 2\n"
      "x265 [warning]: Source height < 720p; disabling lookahead-slices\n"
      "[h264 @ 0x2] [error] mmco: unref short failure\n"
      "[matroska,webm @ 0x55e56cd9b980] [error] File ended prematurely\n"
      "[warning] zero.ts: corrupt input packet in stream 0\n"
      "Svt[info]: SVT [version]: SVT-AV1 Encoder Lib v1.4.1\n");
  EXPECT_EQ(lines, (std::vector<std::string>{"[matroska,webm] File ended prematurely",
                                             "zero.ts: corrupt input packet in stream 0"}));
}

// What gst-launch-1.0 1.22.0 (Debian 12) printed in these cases, shortened by lines that repeat.
constexpr const char* kPreroll = "ERROR: pipeline doesn't want to preroll.\nFailed to set pipeline to PAUSED.\n";

std::string gst_case(const std::string& text) {
  const Diagnosis d = diagnose(1, std::nullopt, text + kPreroll);
  return cat(boost::describe::enum_to_string(d.reason, "?"), " ", d.error);
}

TEST(DiagnoseGstreamer, SaysWhoAndWhy) {
  EXPECT_EQ(gst_case("WARNING: erroneous pipeline: no element \"x264enc\"\n"),
            "kPlatformError WARNING: erroneous pipeline: no element \"x264enc\"");
  EXPECT_EQ(
      gst_case(
          "ERROR: from element /GstPipeline:pipeline0/GstRtmp2Sink:rtmp2sink0: Connection refused: Could not "
          "connect to 127.0.0.1: Connection refused\nAdditional debug info:\n"
          "../gst/rtmp2/gstrtmp2sink.c(1114): send_connect_error (): /GstPipeline:pipeline0/GstRtmp2Sink:rtmp2sink0\n"),
      "kNetworkError rtmp2sink0: Connection refused: Could not connect to 127.0.0.1: Connection refused");
  EXPECT_EQ(
      gst_case("ERROR: from element /GstPipeline:pipeline0/GstRtmp2Sink:rtmp2sink0: Failed to connect: Error resolving "
               "“nosuch.invalid”: Name or service not known\n"),
      "kNetworkError rtmp2sink0: Failed to connect: Error resolving “nosuch.invalid”: Name or service not known");
  EXPECT_EQ(
      gst_case(
          "ERROR: from element /GstPipeline:pipeline0/GstRtmp2Sink:rtmp2sink0: Connection error: connection closed "
          "remotely\n"),
      "kNetworkError rtmp2sink0: Connection error: connection closed remotely");
  EXPECT_EQ(gst_case("ERROR: from element /GstPipeline:pipeline0/GstFileSrc:filesrc0: Resource not found.\n"
                     "Additional debug info:\n../plugins/elements/gstfilesrc.c(553): gst_file_src_start (): "
                     "/GstPipeline:pipeline0/GstFileSrc:filesrc0:\nNo such file \"/in/missing.mp4\"\n"),
            "kInputError filesrc0: Resource not found.");
  EXPECT_EQ(
      gst_case(
          "ERROR: from element /GstPipeline:pipeline0/GstQTDemux:in: This file is invalid and cannot be played.\n"),
      "kInputError in: This file is invalid and cannot be played.");
  EXPECT_EQ(
      gst_case("ERROR: from element /GstPipeline:pipeline0/GstQTDemux:in: This file contains no playable streams.\n"),
      "kInputError in: This file contains no playable streams.");
  EXPECT_EQ(
      gst_case("ERROR: from element /GstPipeline:pipeline0/GstFileSink:filesink0: Could not open file \"/o/x.mp4\" for "
               "writing.\nAdditional debug info:\n../plugins/elements/gstfilesink.c(458): gst_file_sink_open_file (): "
               "/GstPipeline:pipeline0/GstFileSink:filesink0:\nsystem error: No such file or directory\n"),
      "kPlatformError filesink0: Could not open file \"/o/x.mp4\" for writing.");
  EXPECT_EQ(
      gst_case("ERROR: from element /GstPipeline:pipeline0/GstFileSink:filesink0: No space left on the resource.\n"
               "ERROR: from element /GstPipeline:pipeline0/GstMP4Mux:out: Could not multiplex stream.\n"),
      "kPlatformError filesink0: No space left on the resource.");
  EXPECT_EQ(
      gst_case("ERROR: from element /GstPipeline:pipeline0/GstX264Enc:x264enc0: Can not initialize x264 encoder.\n"),
      "kUnknown x264enc0: Can not initialize x264 encoder.");
}

TEST(DiagnoseGstreamer, WhatAnotherEngineMayDoBetter) {
  const auto is_its_own = [](const std::string& text, std::optional<int> signal = {}) {
    const Diagnosis d = diagnose(signal ? std::nullopt : std::optional(1), signal, text);
    return is_of_pipeline(d.reason, text);
  };
  EXPECT_TRUE(is_its_own("WARNING: erroneous pipeline: no element \"x264enc\"\n"));
  EXPECT_TRUE(
      is_its_own("WARNING: erroneous pipeline: could not link queue0 to flvmux0, flvmux0 can't handle caps x\n"));
  EXPECT_TRUE(
      is_its_own("ERROR: from element /GstPipeline:pipeline0/GstDecodeBin:decodebin0: Your GStreamer installation is "
                 "missing a plug-in.\n"));
  EXPECT_TRUE(is_its_own(
      "ERROR: from element /GstPipeline:pipeline0/GstVideoTestSrc:videotestsrc0: Internal data stream "
      "error.\nAdditional debug info:\n../libs/gst/base/gstbasesrc.c(3127): gst_base_src_loop (): "
      "/GstPipeline:pipeline0/GstVideoTestSrc:videotestsrc0:\nstreaming stopped, reason not-negotiated (-4)\n"));
  EXPECT_TRUE(is_its_own(cat(
      "ERROR: from element /GstPipeline:pipeline0/GstX264Enc:x264enc0: Can not initialize x264 encoder.\n", kPreroll)));
  EXPECT_TRUE(is_its_own("gst-launch-1.0: error while loading shared libraries: libgstreamer-1.0.so.0: cannot open\n"));
  EXPECT_TRUE(is_its_own("Caught SIGSEGV\n", 11));

  EXPECT_FALSE(
      is_its_own("ERROR: from element /GstPipeline:pipeline0/GstFileSink:filesink0: No space left on the resource.\n"));
  EXPECT_FALSE(is_its_own(
      "ERROR: from element /GstPipeline:pipeline0/GstQTDemux:in: This file is invalid and cannot be played.\n"));
  EXPECT_FALSE(is_its_own(
      "ERROR: from element /GstPipeline:pipeline0/GstRtmp2Sink:rtmp2sink0: Connection refused: Could not connect\n"));
}

TEST(DiagnoseGstreamer, ErrorLinesAtExitZero) {
  EXPECT_EQ(
      error_lines(
          "WARNING: from element /GstPipeline:pipeline0/GstDecodeBin:decodebin0/GstOpenh264Dec:dec: Could not decode "
          "stream.\nAdditional debug info:\nx\n"),
      std::vector<std::string>{"dec: Could not decode stream."});
  EXPECT_TRUE(error_lines("Redistribute latency...\nExecution ended after 0:00:01\n").empty());
}

}  // namespace
}  // namespace ffrtmp::engine
