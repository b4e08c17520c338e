#pragma once
// What the daemon and `explain` say, for people.
#include <string>

#include "base/result.h"
#include "watch/explain.h"

namespace ffrtmp::up {

// Of the document of watch::ask_status: a few lines, then a table of processes.
[[nodiscard]] Result<std::string> format_status(const std::string& document);
// The verdict, then a table of tests.
[[nodiscard]] std::string format_explanation(const watch::Explanation& explanation);

}  // namespace ffrtmp::up
