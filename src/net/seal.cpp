#include "net/seal.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/text.h"

namespace ffrtmp::net {
namespace {

using Bytes = std::vector<unsigned char>;
using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

constexpr std::string_view kMark = "sealed:";
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

std::string to_hex(const unsigned char* bytes, std::size_t size) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out += kHex[bytes[i] >> 4];
    out += kHex[bytes[i] & 15];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<unsigned char>(high << 4 | low));
  }
  return out;
}

// O_EXCL: of two masters that start at once one makes it and the other reads it.
Status make_key_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno == EEXIST ? Status() : Status(last_sys_error(cat("create ", path)));
  Sealer::Key key{};
  fill_random(key.data(), key.size());
  const std::string text = to_hex(key.data(), key.size()) + "\n";
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const int err = errno;
  close(fd);
  if (written) return {};
  unlink(path.c_str());
  return sys_error(cat("write ", path), err);
}

}  // namespace

Result<Sealer> Sealer::open(const std::string& path) {
  FFRTMP_TRY(make_key_file(path));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return last_sys_error(cat("open ", path));
  char text[128];
  const ssize_t size = read(fd, text, sizeof text);
  close(fd);
  const auto bytes = from_hex(trim(std::string_view(text, size < 0 ? 0 : static_cast<std::size_t>(size))));
  Key key{};
  if (!bytes || bytes->size() != key.size())
    return make_error(Errc::kCorrupt, cat(path, " holds no key of 64 hex digits"));
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return Sealer(key);
}

Result<std::string> Sealer::seal(std::string_view text) const {
  Bytes out(kNonce + text.size() + kTag);
  fill_random(out.data(), kNonce);
  const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  int rest = 0;
  const bool good =
      context && EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), out.data()) == 1 &&
      EVP_EncryptUpdate(context.get(), out.data() + kNonce, &size, reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), out.data() + kNonce + size, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag, out.data() + kNonce + text.size()) == 1;
  if (!good) return make_error(Errc::kInternal, "a secret cannot be sealed");
  return cat(kMark, to_hex(out.data(), out.size()));
}

Result<std::string> Sealer::unseal(std::string_view sealed) const {
  const auto bytes = sealed.starts_with(kMark) ? from_hex(sealed.substr(kMark.size())) : std::nullopt;
  if (!bytes || bytes->size() < kNonce + kTag) return make_error(Errc::kCorrupt, "not a sealed secret");
  const std::size_t length = bytes->size() - kNonce - kTag;
  std::string out(length, '\0');
  auto* const text = reinterpret_cast<unsigned char*>(out.data());
  Bytes tag(bytes->end() - kTag, bytes->end());
  const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  int rest = 0;
  const bool good =
      context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), bytes->data()) == 1 &&
      EVP_DecryptUpdate(context.get(), text, &size, bytes->data() + kNonce, static_cast<int>(length)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), text + size, &rest) == 1;
  if (!good) return make_error(Errc::kCorrupt, "a sealed secret was changed, or sealed with another key");
  return out;
}

}  // namespace ffrtmp::net
