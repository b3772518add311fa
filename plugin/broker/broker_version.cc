#include "plugin/broker/broker_version.h"

#include <dlfcn.h>

#include "plugin/broker/mosquitto_api.h"

namespace parley::plugin {
namespace {

constexpr int kOneMinor = 1'000, kOneMajor = 1'000'000;

int version_of(void* library) {
  auto tell = reinterpret_cast<decltype(&mosquitto_lib_version)>(dlsym(library, "mosquitto_lib_version"));
  int major = 0, minor = 0, revision = 0;
  if (tell) tell(&major, &minor, &revision);
  return major * kOneMajor + minor * kOneMinor + revision;
}

}  // namespace

void* libmosquitto_2_0() {
  static void* const library = dlopen("libmosquitto.so.1", RTLD_NOW | RTLD_LOCAL);
  return library && version_of(library) / kOneMinor == 2 * kOneMajor / kOneMinor ? library : nullptr;
}

int broker_version() {
  if (void* library = libmosquitto_2_0()) return version_of(library);
  return version_of(RTLD_DEFAULT);
}

}  // namespace parley::plugin
