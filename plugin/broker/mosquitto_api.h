#pragma once
// Mosquitto's plugin interface; how its versions differ is here and nowhere else. Built for 2.0 it also runs in 2.1.

// From 2.1 on one header holds all, and the former names warn.
#include <mosquitto.h>
#if !__has_include(<mosquitto/broker.h>)
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <mqtt_protocol.h>
#endif

#include <cstdlib>

namespace parley::plugin {

// 2.1 raises this (MOSQ_EVT_CLIENT_OFFLINE, whose data begin as DISCONNECT's) instead of DISCONNECT when a session with an expiry loses
// its connection. 2.0 answers MOSQ_ERR_NOT_SUPPORTED to who asks for it.
constexpr int kEventClientOffline = 28;

// What mosquitto_property_read_string gives is the reader's to free. From 2.0.21 on it counts as the broker's memory (memory_limit).
inline void free_property_text(char* text) {
#if LIBMOSQUITTO_VERSION_NUMBER >= 2000021
  mosquitto_free(text);
#else
  std::free(text);
#endif
}

}  // namespace parley::plugin
