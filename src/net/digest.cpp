#include "net/digest.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/ids.h"

namespace ffrtmp::net {
namespace {

struct Sha256 {
  // Fetched once: EVP_sha256() makes every start look the algorithm up by name, under locks.
  static const EVP_MD* algorithm() {
    static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched;
  }
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Sha256() = default;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256() { EVP_MD_CTX_free(context); }
  void start() const { EVP_DigestInit_ex2(context, algorithm(), nullptr); }
  void add(const void* data, std::size_t size) const { EVP_DigestUpdate(context, data, size); }
  [[nodiscard]] std::string finish_hex() const;
};

std::string Sha256::finish_hex() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    hex += kHex[byte >> 4];
    hex += kHex[byte & 15];
  }
  return hex;
}

}  // namespace

std::string sha256_hex(std::string_view data) {
  static thread_local const Sha256 sha256;  // every request of a caller is digested
  sha256.start();
  sha256.add(data.data(), data.size());
  return sha256.finish_hex();
}

Result<std::string> sha256_file(int fd) {
  const Sha256 sha256;
  sha256.start();
  std::vector<char> buffer(1 << 18);
  for (off_t at = 0;;) {
    const ssize_t got = pread(fd, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_sys_error("read for SHA-256");
    if (got == 0) return sha256.finish_hex();
    sha256.add(buffer.data(), static_cast<std::size_t>(got));
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
