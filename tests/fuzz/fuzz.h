#pragma once
// What is fuzzed: texts that come from outside, each with the laws that must hold for any bytes. A broken law aborts.
// Built twice: with libFuzzer (preset fuzz), and as an ordinary test over the corpus beside this file.
#include <cstdint>
#include <string_view>

namespace ffrtmp::fuzz {

// The first byte says in which pieces the rest arrives.
void http_request(std::string_view data);
void http_response(std::string_view data);
// Body of POST /jobs, up to the arguments of ffmpeg.
void job_spec(std::string_view data);
// ffmpeg's -progress stream.
void progress(std::string_view data);
// The file of a governed process.
void claim(std::string_view data);
// Messages between worker and supervisor.
void supervisor(std::string_view data);

struct Target {
  const char* name;  // of its corpus
  void (*run)(std::string_view data);
};
inline constexpr Target kTargets[] = {{"http_request", http_request},
                                      {"http_response", http_response},
                                      {"job_spec", job_spec},
                                      {"progress", progress},
                                      {"claim", claim},
                                      {"supervisor", supervisor}};

// Aborts, so that the fuzzer keeps the input.
void must(bool law, const char* what);

}  // namespace ffrtmp::fuzz
