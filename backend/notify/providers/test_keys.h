#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/ids.h"

// Keys and the files that hold them, for tests. Aborts on any failure.
namespace parley::backend {

struct TestKey {
  std::string private_pem, public_pem;
};

inline TestKey make_test_key(const char* type) {
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  const bool rsa = std::string(type) == "RSA";
  const std::unique_ptr<EVP_PKEY, Free> key(
      rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048})
          : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type));
  const auto text = [](auto write) {
    const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
    if (write(bio.get()) != 1) std::abort();
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio.get(), &data));
    return std::string(data, size);
  };
  return {text([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          }),
          text([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key.get()); })};
}

// A folder of its own, gone with the object.
class TestFolder {
 public:
  TestFolder() { std::filesystem::create_directory(path_); }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string file(const std::string& name, const std::string& text, int mode = 0600) const {
    const auto path = path_ / name;
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    return path.string();
  }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("parley-notify-" + random_id(12));
};

}  // namespace parley::backend
