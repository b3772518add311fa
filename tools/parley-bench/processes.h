#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::bench {

// True from the first SIGINT or SIGTERM on, once watch_interrupts() was called.
void watch_interrupts();
bool interrupted();

// A new folder in the system's temporary one; gone with the object, with all in it, unless `keep`.
class TempFolder {
 public:
  static Result<TempFolder> make(bool keep);
  TempFolder(TempFolder&& other) noexcept : path_(std::exchange(other.path_, {})), keep_(other.keep_) {}
  TempFolder& operator=(TempFolder&&) = delete;
  ~TempFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  TempFolder(std::filesystem::path path, bool keep) : path_(std::move(path)), keep_(keep) {}
  std::filesystem::path path_;
  bool keep_;
};

// Ports of 127.0.0.1 nobody listens on now, all different.
Result<std::vector<std::uint16_t>> free_ports(std::size_t count);

struct Memory {
  std::uint64_t resident = 0;   // bytes, mapped files included
  std::uint64_t anonymous = 0;  // of them, the process's own
};

// A child process of ours. It dies with us whatever happens, and with the object: SIGTERM, and SIGKILL when it has not
// ended after 10 s. Not thread-safe.
class Process {
 public:
  Process() = default;  // none yet: does not run
  // Its output is appended to `log`. unavailable: it can't be run.
  static Result<Process> start(const std::vector<std::string>& argv, const std::filesystem::path& log);
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), log_(std::move(other.log_)) {}
  Process& operator=(Process&& other) noexcept;
  ~Process() { stop(); }

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  void stop();
  void kill();  // SIGKILL, and waits for the end
  // Waits for its end. timeout: it still runs; internal: it ended with another status than 0 (the log's end is told).
  Result<> finish(std::chrono::milliseconds bound);

  double cpu_seconds() const;  // used so far, user and system
  Memory memory() const;
  std::string log_end() const;  // the last 2,000 bytes of what it wrote

 private:
  Process(pid_t pid, std::filesystem::path log) : pid_(pid), log_(std::move(log)) {}
  bool reap(std::chrono::milliseconds bound);

  pid_t pid_ = -1;
  int status_ = 0;
  std::filesystem::path log_;
};

// Runs a program to its end. internal: it failed (its output's end is told).
Result<> run_to_end(const std::vector<std::string>& argv, const std::filesystem::path& log,
                    std::chrono::seconds bound = std::chrono::seconds(60));

// Asks `holds` again and again. timeout ("Not within … s: what."), or unavailable after an interrupt.
Result<> wait_until(const std::function<bool()>& holds, std::string_view what, std::chrono::seconds bound,
                    std::chrono::milliseconds step = std::chrono::milliseconds(1));

// Does someone accept connections on 127.0.0.1:`port`?
bool listens(std::uint16_t port);

// The body of an HTTP/1.1 GET from 127.0.0.1:`port`. unavailable: no answer, or another status than 200.
Result<std::string> http_get(std::uint16_t port, std::string_view path);

}  // namespace parley::bench
