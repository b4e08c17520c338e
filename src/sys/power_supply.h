#pragma once
// What feeds the machine. Source: https://docs.kernel.org/power/power_supply_class.html and
// Documentation/ABI/testing/sysfs-class-power
#include "sys/host.h"

namespace ffrtmp::sys {

// Whether a battery of the machine itself is there: that of a mouse has scope "Device", one without scope is the
// system's.
[[nodiscard]] bool has_battery(const Host& host);

}  // namespace ffrtmp::sys
