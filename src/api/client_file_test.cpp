#include "api/client_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace ffrtmp::api {
namespace {

TEST(ClientFile, ComesBackAsItWasSaved) {
  const test::TempDir dir;
  const ClientFile saved{"https://[::1]:8443", "/var/lib/a \"b\"/ca.crt", "ffk_#: x"};
  ASSERT_TRUE(save_client_file(dir / "client.yaml", saved));
  ASSERT_TRUE(save_client_file(dir / "client.yaml", saved)) << "over itself";
  const auto loaded = load_client_file(dir / "client.yaml");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->url, saved.url);
  EXPECT_EQ(loaded->ca, saved.ca);
  EXPECT_EQ(loaded->key, saved.key);
}

// contract: F46
TEST(ClientFile, IsForItsOwnerAlone) {
  const test::TempDir dir;
  ASSERT_TRUE(save_client_file(dir / "client.yaml", {"https://h", "", "k"}));
  struct stat info {};
  ASSERT_EQ(stat((dir / "client.yaml").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(ClientFile, FaultsNameFileAndLine) {
  const test::TempDir dir;
  test::write_file(dir / "a.yaml", "url: https://h\ntoken: x\n");
  const auto unknown = load_client_file(dir / "a.yaml");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, dir / "a.yaml:2:1: unknown key \"token\"");
  test::write_file(dir / "b.yaml", "url: [\n");
  EXPECT_EQ(load_client_file(dir / "b.yaml").error().code, Errc::kCorrupt);
  EXPECT_EQ(load_client_file(dir / "none.yaml").error().code, Errc::kGone);
  EXPECT_EQ(find_client_file(dir / "none.yaml").error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace ffrtmp::api
