#include "tools/parleyctl/doctor/system.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "base/file.h"

extern char** environ;

namespace parley::ctl {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBodyMax = 8 << 20;
constexpr std::size_t kSaidMax = 64 << 10;

// At least 0, for poll.
int left(Clock::time_point end) {
  return static_cast<int>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(end - Clock::now()).count()));
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// Connected, or why not.
Result<Fd> dial(const std::string& host, std::uint16_t port) {
  addrinfo hints{.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (const int bad = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); bad != 0)
    return fail(Errc::unavailable, gai_strerror(bad));
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  std::string why = "no address";
  for (const auto* at = list.get(); at; at = at->ai_next) {
    Fd fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol));
    if (!fd) continue;
    int error = ::connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      pollfd wait{.fd = fd.get(), .events = POLLOUT};
      socklen_t size = sizeof error;
      error = ETIMEDOUT;
      if (::poll(&wait, 1, left(Clock::now() + kPatience)) == 1)
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) return fd;
    why = std::strerror(error);
  }
  return fail(Errc::unavailable, why);
}

// Until the other side closes, the time is over, or `most` bytes have come. False: time ran out.
bool read_all(int fd, std::string& into, std::size_t most, Clock::time_point end) {
  char buffer[16 << 10];
  for (;;) {
    pollfd wait{.fd = fd, .events = POLLIN};
    if (::poll(&wait, 1, left(end)) != 1) return false;
    const auto count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return true;
    if (into.size() < most) into.append(buffer, static_cast<std::size_t>(count));
  }
}

}  // namespace

std::string connect_fault(const std::string& host, std::uint16_t port) {
  const auto connected = dial(host, port);
  return connected ? "" : connected.error().message;
}

Result<HttpAnswer> http_get(const std::string& host, std::uint16_t port, const std::string& path) {
  const auto fd = dial(host, port);
  if (!fd) return std::unexpected(fd.error());
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  if (::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return fail(Errc::unavailable, std::strerror(errno));
  std::string text;
  if (!read_all(fd->get(), text, kBodyMax, Clock::now() + 2 * kPatience))
    return fail(Errc::unavailable, "no answer in time");
  const auto body = text.find("\r\n\r\n");
  HttpAnswer answer;
  if (!text.starts_with("HTTP/1.") || body == std::string::npos || text.size() < 12)
    return fail(Errc::unavailable, "what answers is no HTTP server");
  std::from_chars(text.data() + 9, text.data() + 12, answer.status);
  answer.body = text.substr(body + 4);
  return answer;
}

Result<Ran> run_program(const std::vector<std::string>& argv, std::chrono::seconds patience) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::unavailable, std::strerror(errno));
  Fd from(ends[0]), to(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDERR_FILENO);
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));  // posix_spawn changes none
  words.push_back(nullptr);
  pid_t pid = 0;
  const int bad = ::posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (bad != 0) return fail(Errc::not_found, argv[0] + " can't be started: " + std::strerror(bad) + ".");
  to = Fd();
  Ran ran;
  const bool ended = read_all(from.get(), ran.said, kSaidMax, Clock::now() + patience);
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (!ended)
    return fail(Errc::timeout, argv[0] + " did not end within " + std::to_string(patience.count()) + " s.");
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

std::optional<bool> clock_is_synchronised() {
  timex state{};
  const int code = ::adjtimex(&state);
  if (code < 0) return std::nullopt;
  return code != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

std::optional<unsigned> owner_of(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return found.st_uid;
}

std::optional<unsigned> user_id(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  ::getpwnam_r(name.c_str(), &entry, buffer, sizeof buffer, &found);
  return found ? std::optional<unsigned>(found->pw_uid) : std::nullopt;
}

}  // namespace parley::ctl
