#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstring>

#include "base/file.h"
#include "base/openssl_errors.h"
#include "base/tls/client_context.h"
#include "base/tls/endpoint.h"

namespace parley {
namespace {

using std::chrono::milliseconds;
using Addresses = std::unique_ptr<addrinfo, openssl::Freed<freeaddrinfo>>;
using Ssl = std::unique_ptr<SSL, openssl::Freed<SSL_free>>;
using Certificate = std::unique_ptr<X509, openssl::Freed<X509_free>>;

// A blocking socket whose reads and writes end after `timeout`.
Result<Fd> connect_to(const addrinfo& address, milliseconds timeout) {
  Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail(Errc::unavailable, std::strerror(errno));
  const timeval limit{.tv_sec = timeout.count() / 1000, .tv_usec = timeout.count() % 1000 * 1000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // of connect(2), too
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return fd;
  return fail(Errc::unavailable, errno == EINPROGRESS ? "it does not answer in time" : std::strerror(errno));
}

Result<Fd> connect_to(const Endpoint& endpoint, milliseconds timeout) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const int rc = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (rc != 0)
    return fail(Errc::not_found,
                "The name " + endpoint.host + " can't be looked up: " + ::gai_strerror(rc) + ".");
  const Addresses addresses(found);
  std::string reason;
  for (auto* at = found; at != nullptr; at = at->ai_next) {
    auto fd = connect_to(*at, timeout);
    if (fd) return fd;
    reason = fd.error().message;
  }
  return fail(Errc::unavailable, "Nobody takes connections at " + endpoint.name() + ": " + reason + ".");
}

std::string text(const X509_NAME* name) {
  const openssl::Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string day_of(const ASN1_TIME* time) {
  const openssl::Bio out(BIO_new(BIO_s_mem()));
  ASN1_TIME_print_ex(out.get(), time, ASN1_DTFLGS_ISO8601);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string address_of(const ASN1_OCTET_STRING* address) {
  char out[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  ::inet_ntop(family, ASN1_STRING_get0_data(address), out, sizeof out);
  return out;
}

// Whom a certificate is for: "broker.example, 10.0.0.7".
std::string names_of(const X509* certificate) {
  using Names = std::unique_ptr<GENERAL_NAMES, openssl::Freed<GENERAL_NAMES_free>>;
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string all;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string one;
    if (name->type == GEN_DNS)
      one.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                 static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    else if (name->type == GEN_IPADD)
      one = address_of(name->d.iPAddress);
    if (!one.empty()) all += (all.empty() ? "" : ", ") + one;
  }
  return all.empty() ? text(X509_get_subject_name(certificate)) : all;
}

bool is_for(X509* certificate, const std::string& host) {
  return X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1 ||
         X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
}

// "" when the certificate is as it should be.
std::string what_is_wrong(const Endpoint& endpoint, X509* certificate, long verified) {
  switch (verified) {
    case X509_V_OK:
      break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "The broker's certificate, or one above it, is no longer valid (its own ends " +
             day_of(X509_get0_notAfter(certificate)) + "): renew it, and send the broker SIGHUP.";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "The broker's certificate is not valid before " + day_of(X509_get0_notBefore(certificate)) +
             ": the clock of one of both machines is wrong.";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "The broker's certificate is signed by an authority (" +
             text(X509_get_issuer_name(certificate)) + ") that " +
             (endpoint.ca_file.empty() ? "this system does not trust" : endpoint.ca_file + " does not hold") +
             ": give that authority's certificate as ca_file.";
    default:
      return std::string("The broker's certificate is not to be trusted: ") +
             X509_verify_cert_error_string(verified) + ".";
  }
  if (is_for(certificate, endpoint.host)) return {};
  return "The broker's certificate is for " + names_of(certificate) + ", not for " + endpoint.host +
         ": connect by a name it is for, or give the broker a certificate for this one.";
}

// What ended the handshake, or the connection after it.
std::string why_ended(const Endpoint& endpoint) {
  const auto error = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) {
    const std::string alert = ERR_reason_error_string(error) ? ERR_reason_error_string(error) : "alert";
    switch (reason - SSL_AD_REASON_OFFSET) {
      case SSL_AD_CERTIFICATE_REQUIRED:
      case SSL_AD_HANDSHAKE_FAILURE:
        if (endpoint.cert_file.empty())
          return "The broker refuses TLS without a certificate of the client's (" + alert +
                 "): give cert_file and key_file.";
        break;
      case SSL_AD_UNKNOWN_CA:
      case SSL_AD_BAD_CERTIFICATE:
      case SSL_AD_CERTIFICATE_EXPIRED:
      case SSL_AD_CERTIFICATE_REVOKED:
      case SSL_AD_CERTIFICATE_UNKNOWN:
      case SSL_AD_DECRYPT_ERROR:
        return "The broker refuses the certificate of cert_file (" + alert +
               "): it needs one that its cafile signed, that has not ended and is not revoked.";
      default:
        break;
    }
    return "The broker ended TLS: " + alert + ".";
  }
  return "What answers at " + endpoint.name() +
         " does not speak TLS: use the port of a listener with a certfile, or turn tls off.";
}

}  // namespace

std::string why_unreachable(const Endpoint& endpoint, milliseconds timeout) {
  const OpensslErrorScope scope;
  auto fd = connect_to(endpoint, timeout);
  if (!fd) return fd.error().message;
  auto context = client_context(endpoint);
  if (!context) return context.error().message + ".";
  const Ssl ssl(SSL_new(context->get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd->get()) != 1) return {};
  SSL_set_tlsext_host_name(ssl.get(), endpoint.host.c_str());
  ERR_clear_error();
  const int shook = SSL_connect(ssl.get());
  const bool agreed = shook == 1;
  if (!endpoint.tls)
    return agreed ? "What answers at " + endpoint.name() +
                        " speaks TLS: turn tls on, or use the port of a listener without."
                  : "";
  if (!agreed && SSL_get_error(ssl.get(), shook) == SSL_ERROR_WANT_READ)
    return endpoint.name() + " takes connections and does not answer.";
  if (!agreed) return why_ended(endpoint);
  const Certificate certificate(SSL_get1_peer_certificate(ssl.get()));
  if (!certificate) return {};
  if (auto wrong = what_is_wrong(endpoint, certificate.get(), SSL_get_verify_result(ssl.get()));
      !wrong.empty())
    return wrong;
  // By TLS 1.3 a client hears only now that its certificate is not taken.
  char byte = 0;
  const int got = SSL_read(ssl.get(), &byte, 1);
  return got <= 0 && SSL_get_error(ssl.get(), got) == SSL_ERROR_SSL ? why_ended(endpoint) : "";
}

}  // namespace parley
