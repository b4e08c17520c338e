#include "net/digest.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/ids.h"

namespace ffrtmp::net {
namespace {

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Context start_sha256() {
  Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  return context;
}

std::string finish_hex(EVP_MD_CTX* context) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kHex[byte >> 4];
    hex += kHex[byte & 15];
  }
  return hex;
}

}  // namespace

std::string sha256_hex(std::string_view data) {
  const Context context = start_sha256();
  EVP_DigestUpdate(context.get(), data.data(), data.size());
  return finish_hex(context.get());
}

Result<std::string> sha256_file(int fd) {
  const Context context = start_sha256();
  std::vector<char> buffer(1 << 18);
  for (off_t at = 0;;) {
    const ssize_t got = pread(fd, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_sys_error("read for SHA-256");
    if (got == 0) return finish_hex(context.get());
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(got));
    at += got;
  }
}

std::string make_secret(std::string_view prefix) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<unsigned char, 43> random{};
  fill_random(random.data(), random.size());
  std::string secret(prefix);
  for (const unsigned char byte : random) secret += kAlphabet[byte & 63];
  return secret;
}

}  // namespace ffrtmp::net
