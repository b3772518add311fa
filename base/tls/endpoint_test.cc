#include "base/tls/endpoint.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/file.h"

namespace parley {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Certificates made by the openssl program, in a folder of its own.
class TlsEndpoint : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = (fs::temp_directory_path() / "parley-tls-XXXXXX").string();
    dir = mkdtemp(pattern.data());
    make(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout a.key -out a.crt -days "
        "2 -subj /CN=a -addext subjectAltName=DNS:a.example");
    make(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout b.key -out b.crt -days "
        "2 -subj /CN=b");
    make("openssl ec -in a.key -aes128 -passout pass:secret -out locked.key");
    make(
        "chmod 600 a.key b.key locked.key && cp a.key open.key && chmod 644 open.key && echo nothing > "
        "empty.pem");
  }
  static void TearDownTestSuite() { fs::remove_all(dir); }

  static void make(const std::string& command) {
    ASSERT_EQ(std::system(("cd " + dir.string() + " && (" + command + ") 2>/dev/null").c_str()), 0)
        << command;
  }
  static Endpoint with(const std::string& ca, const std::string& cert, const std::string& key) {
    const auto at = [](const std::string& name) { return name.empty() ? name : (dir / name).string(); };
    return {.tls = true, .ca_file = at(ca), .cert_file = at(cert), .key_file = at(key)};
  }
  static std::string complaint(const Endpoint& endpoint) {
    const auto sound = check(endpoint);
    return sound ? "" : sound.error().message;
  }

  static inline fs::path dir;
};

TEST_F(TlsEndpoint, urls_are_as_paho_takes_them) {
  EXPECT_EQ((Endpoint{.host = "h", .port = 1}.url()), "tcp://h:1");
  EXPECT_EQ((Endpoint{.host = "h", .port = 1, .tls = true}.url()), "ssl://h:1");
  EXPECT_EQ((Endpoint{.host = "h", .port = 1, .websocket = true}.url()), "ws://h:1/mqtt");
  EXPECT_EQ((Endpoint{.host = "::1", .port = 1, .tls = true, .websocket = true}.url()), "wss://[::1]:1/mqtt");
}

TEST_F(TlsEndpoint, files_that_are_of_use_are_taken) {
  EXPECT_EQ(complaint({}), "");
  EXPECT_EQ(complaint({.tls = true}), "");
  EXPECT_EQ(complaint(with("a.crt", "", "")), "");
  EXPECT_EQ(complaint(with("a.crt", "a.crt", "a.key")), "");
}

TEST_F(TlsEndpoint, what_is_wrong_with_files_is_told_by_key) {
  EXPECT_EQ(complaint({.ca_file = "x"}), "ca_file is of no use while tls is off");
  EXPECT_THAT(complaint(with("none.crt", "", "")), HasSubstr("ca_file: "));
  EXPECT_THAT(complaint(with("empty.pem", "", "")), HasSubstr("holds no certificates in PEM form"));
  EXPECT_THAT(complaint(with("", "a.crt", "")), HasSubstr("key_file is missing"));
  EXPECT_THAT(complaint(with("", "", "a.key")), HasSubstr("cert_file is missing"));
  EXPECT_THAT(complaint(with("", "empty.pem", "a.key")), HasSubstr("holds no certificate in PEM form"));
  EXPECT_THAT(complaint(with("", "a.crt", "open.key")), HasSubstr("chmod 600"));
  for (const char* key : {"b.key", "locked.key", "none.key"})
    EXPECT_THAT(complaint(with("", "a.crt", key)), HasSubstr("key_file: ")) << key;
}

// A listener that nobody serves, or that says something and ends.
class Listener {
 public:
  explicit Listener(std::string says = "") : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_.get(), 5) != 0)
      std::abort();
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    if (says.empty()) return;
    thread_ = std::thread([this, says] {
      const Fd client(::accept(fd_.get(), nullptr, nullptr));
      char hello[512];
      if (::read(client.get(), hello, sizeof hello) > 0)
        (void)!::write(client.get(), says.data(), says.size());
    });
  }
  ~Listener() {
    if (thread_.joinable()) thread_.join();
  }
  std::uint16_t port = 0;

 private:
  Fd fd_;
  std::thread thread_;
};

TEST_F(TlsEndpoint, what_does_not_answer_is_told_apart) {
  std::signal(SIGPIPE, SIG_IGN);
  Endpoint nobody{.port = 1, .tls = true};
  EXPECT_THAT(why_unreachable(nobody, 5s), HasSubstr("Nobody takes connections at 127.0.0.1:1"));
  EXPECT_THAT(why_unreachable({.host = "no.such.invalid", .tls = true}, 5s),
              HasSubstr("The name no.such.invalid can't be looked up"));
  const Listener silent;
  EXPECT_THAT(why_unreachable({.port = silent.port, .tls = true}, 100ms),
              HasSubstr("takes connections and does not answer"));
  const Listener plain("220 mail.example ESMTP\r\n");
  EXPECT_THAT(why_unreachable({.port = plain.port, .tls = true}, 5s), HasSubstr("does not speak TLS"));
  const Listener mqtt("220 mail.example ESMTP\r\n");
  EXPECT_EQ(why_unreachable({.port = mqtt.port}, 5s), "");
}

}  // namespace
}  // namespace parley
