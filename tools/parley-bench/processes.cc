#include "tools/parley-bench/processes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/file.h"

namespace parley::bench {
namespace {

volatile std::sig_atomic_t interrupts = 0;

void note_interrupt(int) {
  interrupts = 1;
}

constexpr std::chrono::milliseconds kStopBound{10'000};

std::unexpected<Error> system_failure(std::string_view what) {
  return fail(Errc::unavailable, std::string(what) + ": " + std::strerror(errno));
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A blocking connection whose reads and writes end after two seconds.
Fd connect_to(std::uint16_t port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval bound{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
  const auto address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0) return Fd();
  return socket;
}

// In the child, between fork and exec: nothing that allocates.
[[noreturn]] void become(char* const* argv, int log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::signal(SIGINT, SIG_IGN);  // Ctrl-C is for us; we end our children ourselves
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execvp(argv[0], argv);
  ::_exit(127);
}

}  // namespace

void watch_interrupts() {
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
  return interrupts != 0;
}

Result<TempFolder> TempFolder::make(bool keep) {
  std::error_code ec;
  auto name = (std::filesystem::temp_directory_path(ec) / "parley-bench-XXXXXX").string();
  if (ec || !::mkdtemp(name.data())) return system_failure("the temporary folder can't be made");
  return TempFolder(name, keep);
}

TempFolder::~TempFolder() {
  std::error_code ec;
  if (!keep_ && !path_.empty()) std::filesystem::remove_all(path_, ec);
}

Result<std::vector<std::uint16_t>> free_ports(std::size_t count) {
  std::vector<Fd> sockets;
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto address = loopback(0);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(sockets.back().get(), generic, size) < 0 ||
        ::getsockname(sockets.back().get(), generic, &size) < 0)
      return system_failure("no free port");
    ports.push_back(ntohs(address.sin_port));
  }
  return ports;
}

Result<Process> Process::start(const std::vector<std::string>& argv, const std::filesystem::path& log) {
  Fd out(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!out) return system_failure(log.string());
  auto words = argv;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return system_failure("fork");
  if (pid == 0) become(arguments.data(), out.get(), parent);
  return Process(pid, log);
}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  stop();
  pid_ = std::exchange(other.pid_, -1);
  log_ = std::move(other.log_);
  return *this;
}

bool Process::running() {
  return pid_ > 0 && !reap(std::chrono::milliseconds(0));
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool Process::reap(std::chrono::milliseconds bound) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (pid_ > 0) {
    if (::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
    if (pid_ < 0) break;
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void Process::stop() {
  if (!running()) return;
  signal(SIGCONT);
  signal(SIGTERM);
  if (!reap(kStopBound)) kill();
}

void Process::kill() {
  signal(SIGKILL);
  reap(kStopBound);
}

Result<> Process::finish(std::chrono::milliseconds bound) {
  if (!reap(bound)) return fail(Errc::timeout, "It did not end in time:\n" + log_end());
  if (status_ != 0) return fail(Errc::internal, "It failed:\n" + log_end());
  return {};
}

double Process::cpu_seconds() const {
  auto text = read_file("/proc/" + std::to_string(pid_) + "/stat");
  if (!text) return 0;
  std::istringstream words(text->substr(std::min(text->rfind(')') + 2, text->size())));
  std::string skipped;
  constexpr int kFieldsBeforeUserTime = 11;
  for (int i = 0; i < kFieldsBeforeUserTime; ++i) words >> skipped;
  double user = 0;
  double system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Memory Process::memory() const {
  std::ifstream lines("/proc/" + std::to_string(pid_) + "/status");
  Memory memory;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t kib = 0;
    words >> key >> kib;
    if (key == "VmRSS:") memory.resident = kib * 1024;
    if (key == "RssAnon:") memory.anonymous = kib * 1024;
  }
  return memory;
}

std::string Process::log_end() const {
  constexpr std::size_t kShown = 2000;
  auto text = read_file(log_, 1 << 28).value_or("");
  return text.substr(text.size() - std::min(text.size(), kShown));
}

Result<> run_to_end(const std::vector<std::string>& argv, const std::filesystem::path& log,
                    std::chrono::seconds bound) {
  auto process = Process::start(argv, log);
  if (!process) return std::unexpected(process.error());
  auto finished = process->finish(bound);
  if (!finished) return fail(finished.error().code, argv.front() + ": " + finished.error().message);
  return {};
}

Result<> wait_until(const std::function<bool()>& holds, std::string_view what, std::chrono::seconds bound,
                    std::chrono::milliseconds step) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (!holds()) {
    if (interrupted()) return fail(Errc::unavailable, "Interrupted.");
    if (std::chrono::steady_clock::now() > end)
      return fail(Errc::timeout,
                  "Not within " + std::to_string(bound.count()) + " s: " + std::string(what) + ".");
    std::this_thread::sleep_for(step);
  }
  return {};
}

bool listens(std::uint16_t port) {
  return static_cast<bool>(connect_to(port));
}

Result<std::string> http_get(std::uint16_t port, std::string_view path) {
  const Fd socket = connect_to(port);
  if (!socket) return fail(Errc::unavailable, "Nobody answers HTTP.");
  const auto request =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
    return system_failure("HTTP request");
  std::string answer;
  std::array<char, 16 * 1024> buffer{};
  for (;;) {
    const auto n = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (n < 0) return system_failure("HTTP answer");
    if (n == 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  const auto head = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200") || head == answer.npos)
    return fail(Errc::unavailable, "HTTP: " + answer.substr(0, answer.find('\r')));
  return answer.substr(head + 4);
}

}  // namespace parley::bench
