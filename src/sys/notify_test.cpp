#include "sys/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "sys/fd.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

using namespace std::chrono_literals;

TEST(Notifier, SpeaksToTheSocketOfItsManager) {
  const test::TempDir dir;
  const std::string path = dir / "notify";
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const Notifier notifier(path, "3000000");
  EXPECT_EQ(notifier.watchdog_interval(), 1500ms);
  notifier.send("READY=1");
  char text[64] = {};
  EXPECT_EQ(recv(socket.get(), text, sizeof text, MSG_DONTWAIT), 7);
  EXPECT_STREQ(text, "READY=1");
}

TEST(Notifier, IsSilentWithoutOne) {
  const Notifier notifier("", "");
  notifier.send("READY=1");
  EXPECT_EQ(notifier.watchdog_interval(), std::nullopt);
  EXPECT_EQ(Notifier("", "x").watchdog_interval(), std::nullopt);
}

}  // namespace
}  // namespace ffrtmp::sys
