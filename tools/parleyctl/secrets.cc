#include "tools/parleyctl/secrets.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/file.h"

namespace parley::ctl {
namespace {

constexpr std::size_t kSecretMax = 1024;

using Terminal = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Terminal open_terminal() {
  return {std::fopen("/dev/tty", "r+"), &std::fclose};
}

// Typing is not shown while it lives.
class NoEcho {
 public:
  explicit NoEcho(int fd) : fd_(fd), valid_(tcgetattr(fd, &before_) == 0) {
    if (!valid_) return;
    auto quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(fd_, TCSAFLUSH, &quiet);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (valid_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_{};
  bool valid_;
};

std::string read_line(std::FILE* from) {
  std::string line;
  for (int c = std::fgetc(from); c != EOF && c != '\n' && line.size() <= kSecretMax; c = std::fgetc(from)) {
    line += static_cast<char>(c);
  }
  return line;
}

std::string ask(std::FILE* terminal, const std::string& prompt) {
  std::fputs(prompt.c_str(), terminal);
  std::fflush(terminal);
  std::string line;
  {
    NoEcho quiet(fileno(terminal));
    line = read_line(terminal);
  }
  std::fputs("\n", terminal);
  return line;
}

Outcome<std::string> ask_for(const std::string& prompt, bool confirm) {
  auto terminal = open_terminal();
  if (!terminal)
    return usage("There is no terminal to ask for the password on: use --password-stdin or --password-file.");
  auto secret = ask(terminal.get(), prompt + ": ");
  if (confirm && !secret.empty() && ask(terminal.get(), "Once more: ") != secret) {
    return usage("The two passwords differ.");
  }
  return secret;
}

Outcome<std::string> from_file(const std::string& file) {
  auto secret = read_secret_file(file);
  if (!secret) return usage(secret.error().message);
  return *secret;
}

}  // namespace

bool have_terminal() {
  return open_terminal() != nullptr;
}

Outcome<std::string> read_secret(const SecretSource& source, const std::string& prompt, bool confirm) {
  auto secret = source.from_stdin     ? Outcome<std::string>(read_line(stdin))
                : source.file.empty() ? ask_for(prompt, confirm)
                                      : from_file(source.file);
  if (secret && secret->empty()) return usage("The password is empty.");
  if (secret && secret->size() > kSecretMax) return usage("The password is longer than 1024 bytes.");
  return secret;
}

bool confirmed(const std::string& question) {
  auto terminal = open_terminal();
  if (!terminal) return false;
  std::fputs((question + " [y/N] ").c_str(), terminal.get());
  std::fflush(terminal.get());
  const auto answer = read_line(terminal.get());
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace parley::ctl
