#include "plugin/broker/property_reader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "plugin/broker/broker_version.h"

namespace parley::plugin {
namespace {

// Not what another plugin may have loaded for everybody.
bool is_the_brokers(const void* function) {
  Dl_info its{}, brokers{};
  return function && dladdr(function, &its) &&
         dladdr(reinterpret_cast<const void*>(&mosquitto_broker_publish), &brokers) &&
         its.dli_fbase == brokers.dli_fbase;
}

// From 2.0.21 on what the broker's own functions give counts as its memory (memory_limit).
void free_the_brokers(void* text) {
#if LIBMOSQUITTO_VERSION_NUMBER >= 2000021
  mosquitto_free(text);
#else
  std::free(text);
#endif
}

}  // namespace

PropertyReader PropertyReader::find() {
  PropertyReader reader;
  if (is_the_brokers(dlsym(RTLD_DEFAULT, "mosquitto_property_read_string")))
    reader.take(RTLD_DEFAULT, free_the_brokers);
  else if (void* library = libmosquitto_2_0())  // brokers from 2.1 on export their own
    reader.take(library, std::free);
  return reader;
}

void PropertyReader::take(void* library, void (*free_text)(void*)) {
  read_text_ = reinterpret_cast<decltype(read_text_)>(dlsym(library, "mosquitto_property_read_string"));
  read_pair_ = reinterpret_cast<decltype(read_pair_)>(dlsym(library, "mosquitto_property_read_string_pair"));
  free_ = free_text;
}

std::string PropertyReader::text(const mosquitto_property* list, int identifier) const {
  char* value = nullptr;
  if (!*this || !read_text_(list, identifier, &value, false) || !value) return {};
  std::string text = value;
  free_(value);
  return text;
}

std::string PropertyReader::user_property(const mosquitto_property* list, const char* name) const {
  std::string found;
  if (!*this) return found;
  bool skip = false;
  for (const mosquitto_property* at = list; at; skip = true) {
    char *its_name = nullptr, *value = nullptr;
    at = read_pair_(at, MQTT_PROP_USER_PROPERTY, &its_name, &value, skip);
    if (at && its_name && value && std::strcmp(its_name, name) == 0) found = value;
    if (its_name) free_(its_name);
    if (value) free_(value);
  }
  return found;
}

}  // namespace parley::plugin
