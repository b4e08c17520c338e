#pragma once
// A program in ffmpeg's place that breaks as told. It takes ffmpeg's command line; calls without -progress (-version,
// decode checks) go to the real one, except encode probes: software encoders always succeed.
//
// The behaviour is a text of items "key" or "key=value" joined by ';', in the environment variable FAKE_FFMPEG or,
// since a worker passes a fixed environment, in the file "<argv[0]>.behaviour".
// clang-format off
//   (no item)             the real ffmpeg runs
//   damage=zero:N         the real ffmpeg runs, then N bytes in the middle of its output become zero;
//     flip:N cut:N empty remove      N bits are flipped there; N bytes are cut off; nothing is left in it; it is gone
//   drop_tail=S drop_half the real ffmpeg makes all but the last S seconds, or the first half; exit 0
//     lie                 with these two: the last progress block claims the whole length
//   frames=N fps=R        a simulated run of N (300) frames at R (30) a second of media; output: N*100 bytes of noise
//   slow=S interval=MS    it takes S (0.3) seconds of wall time, MS (100) between progress blocks
//   real                  with a simulated run: the output is made by the real ffmpeg first
//   hang no_progress busy after the first block nothing more happens; no block at all; CPU is burnt meanwhile
//   vfork=S               after the second block it is S seconds where SIGSTOP does not stop it
//   ignore_term           SIGTERM is ignored
//   children=N            N children that ignore it too and never end by themselves
//   flood=SIZE            so many bytes (K, M, G) of lines on stderr first
//   stderr=TEXT           a line on stderr
//   crash exit=CODE exit_after=S:CODE    SIGSEGV after the first block; the code at the end; the code after S seconds
//   nvenc nvenc_dies=S    NVENC works, its runs are x264's; they end with exit 187 after S seconds, saying
//     nvenc_says=TEXT     EncodePicture failed, or TEXT, as an error
//     nvenc_gone          it does not work any more when it is looked at
//     nvenc_sessions=N    N of them at once, each a second or longer; the next has no session
//   gen_slow=S gen_hang gen_busy   an input is generated after S seconds; never, asleep; never, at work (alone, these
//                                  leave the encode to the real ffmpeg)
//   gen_full gen_exit=CODE         the disk is full in the middle; it ends at once with CODE, saying so
//   gen_cut=N                      N bytes are cut off it; exit 0
//   gen_nvenc_dies gen_nvenc_hangs as gen_exit and gen_hang, with NVENC alone
// clang-format on
#include <string>
#include <string_view>

namespace ffrtmp::test {

// Puts one into DIR under NAME and returns its path.
[[nodiscard]] std::string install_fake_ffmpeg(const std::string& dir, std::string_view behaviour,
                                              std::string_view name = "ffmpeg");
// Changes how an installed one behaves from its next start on.
void set_fake_behaviour(const std::string& program, std::string_view behaviour);

}  // namespace ffrtmp::test
