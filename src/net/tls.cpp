#include "net/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "base/text.h"
#include "net/socket.h"
#include "net/stream.h"

namespace ffrtmp::net {
namespace {

constexpr long kDaySeconds = 24 * 60 * 60;
constexpr long kCaDays = 10 * 365;
constexpr long kServerDays = 2 * 365;      // below the 825 days that Apple's clients accept
constexpr long kRenewDays = 30;            // a certificate with less left is made anew
constexpr long kBackdateSeconds = 5 * 60;  // for clients whose clock is a little behind

template <auto Free>
struct Delete {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Delete<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Delete<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Delete<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Delete<X509_EXTENSION_free>>;

struct NamesDelete {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using NamesPtr = std::unique_ptr<GENERAL_NAMES, NamesDelete>;

struct Identity {
  CertPtr certificate;
  KeyPtr key;
};

// What the server's certificate is for; each list sorted and without doubles.
struct Subjects {
  std::vector<std::string> hosts;
  std::vector<std::string> addresses;  // as the kernel prints them
  bool operator==(const Subjects&) const = default;
};

Error crypto_error(std::string_view what) { return make_error(Errc::kInternal, cat(what, ": ", take_ssl_error())); }

void sort_unique(std::vector<std::string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  return to_lower(name);
}

bool is_dns_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '*';
  });
}

// One spelling for an address, so that "::1" and "0:0:0:0:0:0:0:1" are the same subject.
std::optional<std::string> canonical_address(const std::string& text) {
  for (const int family : {AF_INET, AF_INET6}) {
    unsigned char bytes[sizeof(in6_addr)];
    char printed[INET6_ADDRSTRLEN];
    if (inet_pton(family, text.c_str(), bytes) == 1) return inet_ntop(family, bytes, printed, sizeof printed);
  }
  return std::nullopt;
}

Result<Subjects> collect_subjects(const std::vector<std::string>& hosts, const std::vector<std::string>& ips) {
  Subjects subjects;
  subjects.hosts = {"localhost"};
  if (is_dns_name(host_name())) subjects.hosts.push_back(host_name());
  for (const auto& host : hosts) {
    if (!is_dns_name(host)) return make_error(Errc::kInvalid, cat("\"", escape(host), "\" is no host name"));
    subjects.hosts.push_back(to_lower(host));
  }
  subjects.addresses = {"127.0.0.1", "::1"};
  for (const auto& ip : ips) {
    const auto address = canonical_address(ip);
    if (!address) return make_error(Errc::kInvalid, cat("\"", escape(ip), "\" is no IP address"));
    subjects.addresses.push_back(*address);
  }
  sort_unique(subjects.hosts);
  sort_unique(subjects.addresses);
  return subjects;
}

Subjects read_subjects(const X509& certificate) {
  Subjects subjects;
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    const ASN1_STRING* text = name->type == GEN_DNS     ? name->d.dNSName
                              : name->type == GEN_IPADD ? name->d.iPAddress
                                                        : nullptr;
    if (text == nullptr) continue;
    const auto* data = ASN1_STRING_get0_data(text);
    const int size = ASN1_STRING_length(text);
    if (name->type == GEN_DNS) {
      subjects.hosts.emplace_back(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
      continue;
    }
    char printed[INET6_ADDRSTRLEN] = "";
    inet_ntop(size == 4 ? AF_INET : AF_INET6, data, printed, sizeof printed);
    subjects.addresses.emplace_back(printed);
  }
  sort_unique(subjects.hosts);
  sort_unique(subjects.addresses);
  return subjects;
}

// ---- making ----

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_random_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and always of the same length
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool is_set = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return is_set;
}

// A certificate with key, name and time, without extensions and signature.
Result<Identity> make_blank(const std::string& common_name, long days) {
  Identity made{CertPtr(X509_new()), KeyPtr(EVP_EC_gen("P-256"))};
  auto* certificate = made.certificate.get();
  if (!certificate || !made.key) return crypto_error("making a key");
  X509_set_version(certificate, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kBackdateSeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), days * kDaySeconds);
  auto* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  const bool is_set = set_random_serial(certificate) && X509_set_pubkey(certificate, made.key.get()) == 1 &&
                      X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                                 reinterpret_cast<const unsigned char*>("ffrtmp"), -1, -1, 0) == 1 &&
                      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1;
  if (!is_set) return crypto_error("making a certificate");
  return made;
}

Result<Identity> make_ca() {
  FFRTMP_ASSIGN(Identity ca, make_blank(cat("ffrtmp CA of ", host_name()).substr(0, 64), kCaDays));
  auto* certificate = ca.certificate.get();
  const bool is_made = X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
                       add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                       add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                       add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
                       X509_sign(certificate, ca.key.get(), EVP_sha256()) > 0;
  if (!is_made) return crypto_error("making the CA");
  return ca;
}

std::string alternative_names(const Subjects& subjects) {
  std::vector<std::string> names;
  for (const auto& host : subjects.hosts) names.push_back(cat("DNS:", host));
  for (const auto& address : subjects.addresses) names.push_back(cat("IP:", address));
  return join(names, ",");
}

Result<Identity> make_server(const Identity& ca, const Subjects& subjects) {
  FFRTMP_ASSIGN(Identity server, make_blank("ffrtmp master", kServerDays));
  auto* certificate = server.certificate.get();
  auto* issuer = ca.certificate.get();
  const bool is_made = X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
                       add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                       add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
                       add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
                       add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
                       add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
                       add_extension(certificate, issuer, NID_subject_alt_name, alternative_names(subjects)) &&
                       X509_sign(certificate, ca.key.get(), EVP_sha256()) > 0;
  if (!is_made) return crypto_error("making the server's certificate");
  return server;
}

// ---- files ----

// Whole or not at all, also over a power cut; the mode holds from the first byte on.
Status write_whole(const std::string& path, std::string_view text, mode_t mode) {
  const std::string temporary = path + ".new";
  (void)::unlink(temporary.c_str());
  const Socket file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.is_open()) return last_sys_error(cat("creating ", temporary));
  while (!text.empty()) {
    const auto written = ::write(file.fd(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_sys_error(cat("writing ", temporary));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.fd()) != 0) return last_sys_error(cat("syncing ", temporary));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return last_sys_error(cat("renaming ", temporary));
  return {};
}

Status save(const Identity& identity, const CertificateFiles& files) {
  const BioPtr key(BIO_new(BIO_s_mem()));
  const BioPtr certificate(BIO_new(BIO_s_mem()));
  if (!key ||
      PEM_write_bio_PKCS8PrivateKey(key.get(), identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      !certificate || PEM_write_bio_X509(certificate.get(), identity.certificate.get()) != 1) {
    return crypto_error("encoding a certificate");
  }
  const auto text = [](BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return std::string_view(data, static_cast<std::size_t>(size));
  };
  FFRTMP_TRY(write_whole(files.key, text(key.get()), 0600));
  return write_whole(files.certificate, text(certificate.get()), 0644);
}

// Certificate and key that belong together; none when a file is missing or unreadable as such.
std::optional<Identity> load(const CertificateFiles& files) {
  const BioPtr certificate(BIO_new_file(files.certificate.c_str(), "r"));
  const BioPtr key(BIO_new_file(files.key.c_str(), "r"));
  Identity identity;
  if (certificate) identity.certificate.reset(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
  if (key) identity.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  const bool is_pair = identity.certificate && identity.key &&
                       X509_check_private_key(identity.certificate.get(), identity.key.get()) == 1;
  ERR_clear_error();
  if (!is_pair) return std::nullopt;
  return identity;
}

bool lasts(const Identity& identity) {
  time_t then = ::time(nullptr) + kRenewDays * kDaySeconds;
  return X509_cmp_time(X509_get0_notAfter(identity.certificate.get()), &then) > 0 &&
         X509_cmp_current_time(X509_get0_notBefore(identity.certificate.get())) < 0;
}

bool is_signed_by(const Identity& server, const Identity& ca) {
  const bool is_signed = X509_verify(server.certificate.get(), ca.key.get()) == 1;
  ERR_clear_error();
  return is_signed;
}

}  // namespace

Result<CertificateFiles> ensure_certificates(const std::string& dir, const std::vector<std::string>& hosts,
                                             const std::vector<std::string>& ips) {
  ERR_clear_error();
  const CertificateFiles ca_files{dir + "/ca.crt", dir + "/ca.key", dir + "/ca.crt"};
  const CertificateFiles server_files{dir + "/server.crt", dir + "/server.key", dir + "/ca.crt"};
  FFRTMP_ASSIGN(const Subjects subjects, collect_subjects(hosts, ips));
  auto ca = load(ca_files);
  // Clients trust this CA: one that is there but cannot be read is a matter for a person, not a reason to make another.
  if (!ca && ::access(ca_files.certificate.c_str(), F_OK) == 0) {
    return make_error(Errc::kCorrupt, cat(ca_files.certificate, " and ", ca_files.key,
                                          " are no readable pair; restore them, or remove both to begin anew"));
  }
  if (!ca || !lasts(*ca)) {
    FFRTMP_ASSIGN(ca, make_ca());
    FFRTMP_TRY(save(*ca, ca_files));
  }
  const auto server = load(server_files);
  const bool is_good =
      server && lasts(*server) && is_signed_by(*server, *ca) && read_subjects(*server->certificate) == subjects;
  if (is_good) return server_files;
  FFRTMP_ASSIGN(const Identity made, make_server(*ca, subjects));
  FFRTMP_TRY(save(made, server_files));
  return server_files;
}

}  // namespace ffrtmp::net
