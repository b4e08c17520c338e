#include "net/tls.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/text.h"
#include "net/server.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::net {
namespace {

// Output and exit status of another program's view of our files.
std::pair<int, std::string> shell(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> chunk;
  while (const auto got = std::fread(chunk.data(), 1, chunk.size(), pipe)) out.append(chunk.data(), got);
  const int status = ::pclose(pipe);
  return {WEXITSTATUS(status), out};
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

CertificateFiles ensure(const test::TempDir& dir, const std::vector<std::string>& hosts = {},
                        const std::vector<std::string>& ips = {}) {
  auto files = ensure_certificates(dir.path(), hosts, ips);
  EXPECT_TRUE(files) << files.error().message;
  return std::move(files).value_or({});
}

TEST(Certificates, SatisfyOpenssl) {
  const test::TempDir dir;
  const auto files = ensure(dir, {"Media.Example"}, {"192.0.2.7", "2001:db8::7"});
  for (const std::string_view check :
       {"-verify_hostname localhost", "-verify_hostname media.example", "-verify_ip 127.0.0.1", "-verify_ip ::1",
        "-verify_ip 192.0.2.7", "-verify_ip 2001:db8::7", "-purpose sslserver"}) {
    const auto [code, out] =
        shell(cat("openssl verify -x509_strict -CAfile ", files.ca, ' ', check, ' ', files.certificate));
    EXPECT_EQ(code, 0) << check << out;
  }
  EXPECT_NE(
      shell(cat("openssl verify -x509_strict -CAfile ", files.ca, " -verify_hostname evil.test ", files.certificate))
          .first,
      0);
  const auto [code, text] = shell(cat("openssl x509 -noout -text -in ", files.certificate));
  EXPECT_EQ(code, 0);
  for (const std::string_view part : {"CA:FALSE", "Digital Signature", "TLS Web Server Authentication", "prime256v1",
                                      "Subject Key Identifier", "Authority Key Identifier"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << text;
  }
  EXPECT_EQ(shell(cat("openssl x509 -noout -checkend ", 729 * 86400, " -in ", files.certificate)).first, 0);
  EXPECT_NE(shell(cat("openssl x509 -noout -checkend ", 731 * 86400, " -in ", files.certificate)).first, 0);
  EXPECT_EQ(shell(cat("openssl x509 -noout -checkend ", 3649L * 86400, " -in ", files.ca)).first, 0);
}

// contract: F46
TEST(Certificates, KeepTheirKeysPrivate) {
  const test::TempDir dir;
  const auto before = ::umask(0);
  const auto files = ensure(dir);
  ::umask(before);
  EXPECT_EQ(mode_of(files.key), 0600U);
  EXPECT_EQ(mode_of(dir / "ca.key"), 0600U);
  EXPECT_EQ(mode_of(files.ca), 0644U);
}

TEST(Certificates, AreMadeAnewOnlyWhenTheyDoNotFit) {
  const test::TempDir dir;
  const auto files = ensure(dir);
  const auto ca = test::read_file(files.ca);
  const auto first = test::read_file(files.certificate);
  ensure(dir, {"localhost"}, {"0:0:0:0:0:0:0:1"});
  EXPECT_EQ(test::read_file(files.certificate), first);
  ensure(dir, {}, {"192.0.2.7"});
  const auto second = test::read_file(files.certificate);
  EXPECT_NE(second, first);
  test::write_file(files.certificate, "cut off");
  ensure(dir, {}, {"192.0.2.7"});
  EXPECT_NE(test::read_file(files.certificate), second);
  EXPECT_EQ(test::read_file(files.ca), ca);
  EXPECT_EQ(shell(cat("openssl verify -CAfile ", files.ca, " -verify_ip 192.0.2.7 ", files.certificate)).first, 0);
}

TEST(Certificates, WithLessThan30DaysLeftAreMadeAnew) {
  const test::TempDir dir;
  const auto files = ensure(dir);
  const auto reissue = [&](int days) {
    test::write_file(
        dir / "reissue.sh",
        cat("openssl x509 -x509toreq -copy_extensions copyall -in ", files.certificate, " -signkey ", files.key, " > ",
            dir / "req.pem", " && openssl x509 -req -days ", days, " -copy_extensions copyall -CA ", files.ca,
            " -CAkey ", dir / "ca.key", " -CAcreateserial -in ", dir / "req.pem", " -out ", files.certificate, "\n"));
    return shell("sh " + (dir / "reissue.sh"));
  };
  ASSERT_EQ(reissue(31).first, 0);
  const auto fresh = test::read_file(files.certificate);
  ensure(dir);
  EXPECT_EQ(test::read_file(files.certificate), fresh);
  ASSERT_EQ(reissue(29).first, 0);
  const auto stale = test::read_file(files.certificate);
  ensure(dir);
  EXPECT_NE(test::read_file(files.certificate), stale);
}

TEST(Certificates, ADamagedCaIsReportedNotReplaced) {
  const test::TempDir dir;
  const auto files = ensure(dir);
  test::write_file(dir / "ca.key", "cut off");
  const auto again = ensure_certificates(dir.path(), {}, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kCorrupt);
  EXPECT_NE(again.error().message.find("ca.key"), std::string::npos);
}

TEST(Certificates, RefuseNamesThatAreNone) {
  const test::TempDir dir;
  EXPECT_FALSE(ensure_certificates(dir.path(), {"a,IP:1.2.3.4"}, {}));
  EXPECT_FALSE(ensure_certificates(dir.path(), {}, {"localhost"}));
  EXPECT_FALSE(ensure_certificates(dir / "missing", {}, {}));
}

TEST(Certificates, SatisfyCurl) {
  if (shell("curl --version").first != 0) GTEST_SKIP() << "no curl on this host";
  const test::TempDir dir;
  ServerOptions options;
  options.tls = ensure(dir);
  const auto server = Server::start(std::move(options), [](const Request& request, const Respond& respond) {
    respond({200, "text/plain", request.method + request.body, {}});
  });
  ASSERT_TRUE(server) << server.error().message;
  const auto url = cat("https://localhost:", (*server)->port(), "/");
  EXPECT_EQ(shell(cat("curl -s --noproxy '*' --max-time 20 --cacert ", dir / "ca.crt", " -d hello ", url)).second,
            "POSThello");
  EXPECT_EQ(shell(cat("curl -s --noproxy '*' --max-time 20 ", url)).first, 60);  // curl: peer certificate not trusted
}

}  // namespace
}  // namespace ffrtmp::net
