#pragma once
// `ffrtmp run`: starts a program inside limits and waits for it. The program is not ours to end: what ends this command
// leaves it running, limits in place, unless --kill-on-exit says otherwise.
#include "config/launch_settings.h"

namespace ffrtmp::launch {

// The program's exit code; 128 + signal when one ended it; 1 when it could not start; 2 for a job id that is taken;
// 128 + n when this command was asked to stop by signal n.
int run(const config::RunSettings& settings);

}  // namespace ffrtmp::launch
