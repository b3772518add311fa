#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

// What the doctor asks of the machine. Everything has a time limit.
namespace parley::ctl {

inline constexpr std::chrono::seconds kPatience{5};

// Can a TCP connection be made? The reason why not, as a sentence's end ("Connection refused"); "" when it can.
std::string connect_fault(const std::string& host, std::uint16_t port);

struct HttpAnswer {
  int status = 0;
  std::string body;
};
// GET over plain HTTP. unavailable: nobody answers.
Result<HttpAnswer> http_get(const std::string& host, std::uint16_t port, const std::string& path);

struct Ran {
  int exit_code = -1;
  std::string said;  // standard output and standard error, at most 64 KiB
};
// Runs a program to its end. not_found: it can't be started; timeout: it did not end in time, and was killed.
Result<Ran> run_program(const std::vector<std::string>& argv,
                        std::chrono::seconds patience = std::chrono::seconds(30));

// Does the kernel know that this machine's clock is kept by somebody? nullopt: it does not say (a container).
std::optional<bool> clock_is_synchronised();

// Who owns a file, in numbers; nullopt: nobody of that name, or no such file.
std::optional<unsigned> owner_of(const std::filesystem::path& path);
std::optional<unsigned> user_id(const std::string& name);

}  // namespace parley::ctl
