#include "tests/e2e/rtmp_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>

#include "base/text.h"
#include "sys/fd.h"

namespace ffrtmp::test {
namespace {

constexpr const char* kModules = "/usr/lib/nginx/modules";  // Debian: libnginx-mod-rtmp, libnginx-mod-stream

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool accepts(int port) {
  const sys::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string tls_front(const std::string& dir, int tls_port, int port) {
  return cat("stream { server { listen 127.0.0.1:", tls_port, " ssl; ssl_certificate ", dir,
             "/cert.pem; ssl_certificate_key ", dir, "/key.pem; proxy_pass 127.0.0.1:", port, "; } }\n");
}

}  // namespace

int free_port() {
  const sys::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

RtmpServer::RtmpServer(const std::string& dir, int port, bool tls)
    : dir_(dir), port_(port != 0 ? port : free_port()), tls_port_(tls ? free_port() : 0) {
  std::filesystem::create_directories(dir + "/recorded");
  std::filesystem::permissions(dir + "/recorded", std::filesystem::perms::all);
  if (tls) {
    const Ran made = run_command({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                                  "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout",
                                  dir + "/key.pem", "-out", dir + "/cert.pem"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }
  write_file(
      dir + "/nginx.conf",
      cat("daemon off;\nmaster_process off;\npid ", dir, "/pid;\nerror_log ", dir, "/error.log;\nload_module ",
          kModules, "/ngx_rtmp_module.so;\n", tls ? cat("load_module ", kModules, "/ngx_stream_module.so;\n") : "",
          "events { worker_connections 64; }\nrtmp { access_log off; server { listen 127.0.0.1:", port_,
          "; application live { live on; record all; record_path ", dir, "/recorded; record_unique off; } } }\n",
          tls ? tls_front(dir, tls_port_, port_) : ""));
  // A test that crashes takes it along.
  process_ = Process(
      {"setpriv", "--pdeathsig", "KILL", "nginx", "-p", dir, "-c", dir + "/nginx.conf", "-e", dir + "/error.log"},
      dir + "/nginx.log");
  EXPECT_TRUE(eventually([&] { return accepts(port_) && (!tls || accepts(tls_port_)); }, std::chrono::seconds(10)))
      << "nginx with its rtmp module does not start (tools/install-packages test): " << read_file(dir + "/nginx.log");
}

}  // namespace ffrtmp::test
