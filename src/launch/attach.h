#pragma once
// `ffrtmp attach`: puts a running process under limits until it ends, or until this command is stopped.
#include "config/launch_settings.h"

namespace ffrtmp::launch {

// 0 when the process ended or this command was stopped; 1 when it could not be governed.
int attach(const config::AttachSettings& settings);

}  // namespace ffrtmp::launch
