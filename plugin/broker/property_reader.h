#pragma once
#include <string>

#include "plugin/broker/mosquitto_api.h"

namespace parley::plugin {

// Reads the MQTT 5 properties of a message. 2.0 does not promise plugins the functions for it, and Debian 13's broker keeps them to itself;
// there they are taken from libmosquitto, which comes with the broker and keeps properties in the same way.
// Immutable once found; for any thread. What it reads stays the broker's.
class PropertyReader {
 public:
  // Looks for the functions; not more than a look-up, except for the first load of libmosquitto.
  static PropertyReader find();

  // Whether there are any; without them every property reads as "".
  explicit operator bool() const { return read_text_ && read_pair_; }
  std::string text(const mosquitto_property* list, int identifier) const;
  // The value of the last user property of this name.
  std::string user_property(const mosquitto_property* list, const char* name) const;

 private:
  void take(void* library, void (*free_text)(void*));

  decltype(&mosquitto_property_read_string) read_text_ = nullptr;
  decltype(&mosquitto_property_read_string_pair) read_pair_ = nullptr;
  void (*free_)(void*) = nullptr;
};

}  // namespace parley::plugin
