#pragma once
// A program in ffmpeg's place that breaks as told. It takes ffmpeg's command line; calls without -progress (-version,
// encode probes, decode checks) go to the real one.
//
// The behaviour is a text of items "key" or "key=value" joined by ';', in the environment variable FAKE_FFMPEG or,
// since a worker passes a fixed environment, in the file "<argv[0]>.behaviour".
//   without any item    the real ffmpeg runs
//   damage=zero:N       the real ffmpeg runs, then N bytes in the middle of its output become zero;
//   damage=flip:N         N bits there are flipped; damage=cut:N: N bytes are cut off the end; damage=empty;
//   damage=remove drop_tail=S         the real ffmpeg makes all but the last S seconds; exit 0 drop_half           …
//   only the first half lie                 with these two: the last progress block claims the whole length frames=N
//   fps=R      a simulated run of N (300) frames at R (30) a second of media, output: N*100 bytes of noise slow=S it
//   takes S (0.3) seconds of wall time; interval=MS between progress blocks (100) real                with a simulated
//   run: the output is made by the real ffmpeg first hang                after the first block nothing more happens;
//   no_progress: no block at all; busy: burns CPU meanwhile ignore_term         SIGTERM is ignored; children=N: N
//   children that ignore it too and never end by themselves flood=SIZE          so many bytes (K, M, G) of lines on
//   stderr first stderr=TEXT         a line on stderr crash               SIGSEGV after the first block; exit=CODE at
//   the end; exit_after=S:CODE
#include <string>
#include <string_view>

namespace ffrtmp::test {

// Puts one into DIR under NAME and returns its path.
[[nodiscard]] std::string install_fake_ffmpeg(const std::string& dir, std::string_view behaviour,
                                              std::string_view name = "ffmpeg");
// Changes how an installed one behaves from its next start on.
void set_fake_behaviour(const std::string& program, std::string_view behaviour);

}  // namespace ffrtmp::test
