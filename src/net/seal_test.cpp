#include "net/seal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace ffrtmp::net {
namespace {

TEST(Seal, ComesBackWithTheSameKeyOnly) {
  const Sealer sealer({1});
  const auto sealed = sealer.seal("hunter2");
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->find("hunter2"), std::string::npos);
  EXPECT_NE(*sealer.seal("hunter2"), *sealed) << "equal secrets do not look equal";
  EXPECT_EQ(sealer.unseal(*sealed).value_or(""), "hunter2");
  EXPECT_EQ(sealer.unseal(*sealer.seal("")).value_or("x"), "");
  EXPECT_EQ(Sealer({2}).unseal(*sealed).error().code, Errc::kCorrupt);
}

TEST(Seal, EveryChangedDigitIsNoticed) {
  const Sealer sealer({1});
  const std::string sealed = *sealer.seal("k");
  for (std::size_t i = 7; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(sealer.unseal(changed)) << i;
  }
  for (const char* text : {"", "hunter2", "sealed:", "sealed:zz", "sealed:00"})
    EXPECT_FALSE(sealer.unseal(text)) << text;
}

// AES-256-GCM of NIST's GCM specification, test case 14 (key and nonce of zeros, 16 zero bytes of text).
TEST(Seal, IsAes256Gcm) {
  const Sealer sealer({});
  const auto text =
      sealer.unseal("sealed:000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, std::string(16, '\0'));
}

// contract: F46
TEST(Seal, TheKeyFileIsMadeOnceAndPrivate) {
  const test::TempDir dir;
  const auto first = Sealer::open(dir / "secrets.key");
  ASSERT_TRUE(first) << first.error().message;
  struct stat info {};
  ASSERT_EQ(stat((dir / "secrets.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const auto second = Sealer::open(dir / "secrets.key");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->unseal(*first->seal("k")).value_or(""), "k");
  test::write_file(dir / "broken.key", "no key\n");
  EXPECT_EQ(Sealer::open(dir / "broken.key").error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace ffrtmp::net
