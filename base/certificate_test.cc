#include "base/certificate.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>

#include "base/ids.h"
#include "base/openssl_pointers.h"

namespace parley {
namespace {

using std::chrono::hours;

// A key and a certificate of its own, signed by `issuer` (itself when null).
struct Made {
  openssl::Pkey key{EVP_EC_gen("prime256v1")};
  X509* certificate = X509_new();

  Made(const std::string& name, hours from, hours until, const Made* issuer, bool authority) {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    X509_gmtime_adj(X509_getm_notBefore(certificate), std::chrono::seconds(from).count());
    X509_gmtime_adj(X509_getm_notAfter(certificate), std::chrono::seconds(until).count());
    auto* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer->certificate : certificate));
    X509_set_pubkey(certificate, key.get());
    add(NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!authority) add(NID_subject_alt_name, "DNS:" + name + ",IP:127.0.0.1,IP:::1");
    X509_sign(certificate, issuer ? issuer->key.get() : key.get(), EVP_sha256());
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() { X509_free(certificate); }
  void add(int nid, const std::string& value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
};

class CertificateTest : public testing::Test {
 protected:
  CertificateTest() { std::filesystem::create_directories(folder_); }
  ~CertificateTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const char* name, std::initializer_list<const Made*> certificates) {
    auto* file = std::fopen((folder_ / name).c_str(), "we");
    for (const auto* made : certificates) PEM_write_X509(file, made->certificate);
    std::fclose(file);
    return folder_ / name;
  }
  std::filesystem::path write_key(const char* name, const Made& made, const EVP_CIPHER* cipher = nullptr) {
    auto* file = std::fopen((folder_ / name).c_str(), "we");
    std::string passphrase = "passphrase";
    PEM_write_PKCS8PrivateKey(file, made.key.get(), cipher, cipher ? passphrase.data() : nullptr,
                              cipher ? static_cast<int>(passphrase.size()) : 0, nullptr, nullptr);
    std::fclose(file);
    return folder_ / name;
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("certificates-" + random_id(8));
  SystemClock clock_;
  Made root_{"root", -hours(2), hours(48), nullptr, true};
  Made between_{"between", -hours(2), hours(48), &root_, true};
  Made server_{"chat.example.org", -hours(1), hours(24), &between_, false};
};

TEST_F(CertificateTest, tells_whose_it_is_and_until_when) {
  const auto read = read_certificate(write("chain.pem", {&server_, &between_}));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->subject, "CN=chat.example.org");
  EXPECT_EQ(read->issuer, "CN=between");
  EXPECT_EQ(read->names, (std::vector<std::string>{"chat.example.org", "127.0.0.1", "::1"}));
  EXPECT_LT(std::chrono::abs(read->until - clock_.wall() - hours(24)), hours(1));
  EXPECT_LT(std::chrono::abs(clock_.wall() - read->from - hours(1)), hours(1));
}

TEST_F(CertificateTest, knows_its_key_from_others) {
  const auto chain = write("chain.pem", {&server_});
  EXPECT_EQ(key_belongs_to(chain, write_key("server.key", server_)), true);
  EXPECT_EQ(key_belongs_to(chain, write_key("root.key", root_)), false);
  const auto encrypted = key_belongs_to(chain, write_key("encrypted.key", server_, EVP_aes_128_cbc()));
  ASSERT_FALSE(encrypted);
  EXPECT_EQ(encrypted.error().code, Errc::invalid_argument);
}

TEST_F(CertificateTest, leads_to_an_authority_or_says_why_not) {
  const auto authorities = write("root.pem", {&root_});
  EXPECT_EQ(chain_fault(write("chain.pem", {&server_, &between_}), authorities, clock_.wall()), "");
  EXPECT_NE(chain_fault(write("short.pem", {&server_}), authorities, clock_.wall()), "");
  EXPECT_EQ(chain_fault(write("chain.pem", {&server_, &between_}), authorities, clock_.wall() + hours(36)),
            "certificate has expired");
}

TEST_F(CertificateTest, a_file_without_one_is_refused) {
  std::ofstream(folder_ / "empty.pem") << "nothing\n";
  EXPECT_EQ(read_certificate(folder_ / "empty.pem").error().code, Errc::invalid_argument);
  EXPECT_EQ(read_certificate(folder_ / "none.pem").error().code, Errc::not_found);
  EXPECT_EQ(key_belongs_to(write("chain.pem", {&server_}), folder_ / "empty.pem").error().code,
            Errc::invalid_argument);
}

}  // namespace
}  // namespace parley
