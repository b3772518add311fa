#include "base/certificate.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "base/file.h"
#include "base/openssl_errors.h"
#include "base/openssl_pointers.h"

namespace parley {
namespace {

using openssl::Bio;
using openssl::Freed;
using openssl::Pkey;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using Store = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
// Never a prompt: an encrypted key is one that can't be read.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Result<Bio> open(const std::filesystem::path& path) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  Bio bio(BIO_new(BIO_s_mem()));
  BIO_write(bio.get(), text->data(), static_cast<int>(text->size()));
  return bio;
}

Result<std::vector<X509Ptr>> read_all(const std::filesystem::path& path) {
  const auto file = open(path);
  if (!file) return std::unexpected(file.error());
  std::vector<X509Ptr> all;
  while (X509Ptr one{PEM_read_bio_X509(file->get(), nullptr, no_passphrase, nullptr)})
    all.push_back(std::move(one));
  if (all.empty()) return fail(Errc::invalid_argument, path.string() + " holds no certificate in PEM.");
  return all;
}

std::string one_line(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime{std::chrono::seconds{::timegm(&parts)}};
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  return ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof text) ? text : "";
}

std::vector<std::string> names_of(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> out;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS)
      out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    else if (name->type == GEN_IPADD)
      out.push_back(address_text(name->d.iPAddress));
  }
  return out;
}

}  // namespace

Result<Certificate> read_certificate(const std::filesystem::path& path) {
  const OpensslErrorScope errors;
  const auto all = read_all(path);
  if (!all) return std::unexpected(all.error());
  const auto* first = all->front().get();
  return Certificate{.subject = one_line(X509_get_subject_name(first)),
                     .issuer = one_line(X509_get_issuer_name(first)),
                     .names = names_of(first),
                     .from = time_of(X509_get0_notBefore(first)),
                     .until = time_of(X509_get0_notAfter(first))};
}

Result<bool> key_belongs_to(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  const OpensslErrorScope errors;
  const auto all = read_all(certificate);
  if (!all) return std::unexpected(all.error());
  const auto file = open(key);
  if (!file) return std::unexpected(file.error());
  const Pkey read(PEM_read_bio_PrivateKey(file->get(), nullptr, no_passphrase, nullptr));
  if (!read)
    return fail(Errc::invalid_argument, key.string() + " holds no private key in PEM without a passphrase.");
  return X509_check_private_key(all->front().get(), read.get()) == 1;
}

Result<std::string> chain_fault(const std::filesystem::path& certificate,
                                const std::filesystem::path& authorities, WallTime now) {
  const OpensslErrorScope errors;
  const auto chain = read_all(certificate);
  if (!chain) return std::unexpected(chain.error());
  const auto trusted = read_all(authorities);
  if (!trusted) return std::unexpected(trusted.error());
  const Store store(X509_STORE_new());
  for (const auto& one : *trusted) X509_STORE_add_cert(store.get(), one.get());
  const std::unique_ptr<STACK_OF(X509), FreeStack> between(sk_X509_new_null());
  for (const auto& one : *chain) sk_X509_push(between.get(), one.get());
  const StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), chain->front().get(), between.get());
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), to_ms(now) / 1000);
  if (X509_verify_cert(context.get()) == 1) return std::string();
  return std::string(X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
}

}  // namespace parley
