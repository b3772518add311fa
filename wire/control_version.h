#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

// Which releases of plugin and backend work together. The conversation of wire/control.h has a version. A change of it that the other side must know
// of (a new command, a new member of one, another meaning) makes the next one, and then the release before is still spoken: so a plugin and a backend
// of neighbouring releases work together, and either may be upgraded first. What does not change the conversation changes no version.
namespace parley::wire {

inline constexpr int kControlVersion = 1;        // the newest this release speaks
inline constexpr int kControlVersionOldest = 1;  // and the oldest

inline constexpr std::size_t kReleaseMax = 64;   // bytes

// The release this code belongs to, "0.1.0".
std::string_view release();

// What one side speaks: all versions from oldest to newest. For attach, which every release reads, whatever else the other side's attach holds.
struct Speaks {
  int oldest = kControlVersionOldest;
  int newest = kControlVersion;
  std::string release{wire::release()};
  bool operator==(const Speaks&) const = default;
};

// The version to speak: the newest that both know; nullopt when there is none.
std::optional<int> common_version(const Speaks& one, const Speaks& other);

// Code of the refusal when there is none. Only plugin and backend see it, so it is not among wire/error_codes.h's.
inline constexpr std::string_view kVersionMismatch = "version_mismatch";
// Says who speaks what and which side to upgrade. Only for two that have no version in common.
std::string mismatch_sentence(const Speaks& plugin, const Speaks& backend);
// The answer to the command `id`, as request.h's format_failure.
std::string format_version_mismatch(std::string_view id, const std::string& sentence);

}  // namespace parley::wire
