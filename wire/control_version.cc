#include "wire/control_version.h"

#include <algorithm>

namespace parley::wire {
namespace {

std::string versions(const Speaks& side) {
  return side.oldest == side.newest
             ? "version " + std::to_string(side.newest)
             : "versions " + std::to_string(side.oldest) + " to " + std::to_string(side.newest);
}

// A release before this one told no name.
std::string named(std::string name, const Speaks& side) {
  return side.release.empty() ? name : name + " " + side.release;
}

}  // namespace

std::string_view release() {
  return PARLEY_VERSION;
}

std::optional<int> common_version(const Speaks& one, const Speaks& other) {
  const int newest = std::min(one.newest, other.newest);
  if (newest < std::max(one.oldest, other.oldest)) return std::nullopt;
  return newest;
}

std::string mismatch_sentence(const Speaks& plugin, const Speaks& backend) {
  const bool plugin_is_older = plugin.newest < backend.oldest;
  return "The broker has " + named("mosquitto_parley.so", plugin) + ", which speaks " + versions(plugin) +
         " of the protocol between them, and " + named("parleyd", backend) + " speaks " + versions(backend) +
         ". Upgrade " +
         (plugin_is_older ? "the plugin (package parley-broker-plugin) and restart Mosquitto."
                          : "parleyd (package parley-backend).");
}

std::string format_version_mismatch(std::string_view id, const std::string& sentence) {
  return nlohmann::json{
      {"id", id}, {"ok", false}, {"error", {{"code", kVersionMismatch}, {"message", sentence}}}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace parley::wire
