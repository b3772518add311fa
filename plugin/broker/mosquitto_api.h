#pragma once
// Mosquitto's plugin interface, as its versions name it. Only what src/linker.syms of 2.0 lists is promised to plugins; Debian 12's broker and 2.1
// export more, Debian 13's does not. A test of tests/e2e/test_broker.py holds the plugin to it.

// From 2.1 on one header holds all, and the former names warn.
#include <mosquitto.h>
#if !__has_include(<mosquitto/broker.h>)
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <mqtt_protocol.h>
#endif

namespace parley::plugin {

// 2.1 raises this (MOSQ_EVT_CLIENT_OFFLINE, whose data begin as DISCONNECT's) instead of DISCONNECT when a session with an expiry loses
// its connection. 2.0 answers MOSQ_ERR_NOT_SUPPORTED to who asks for it.
constexpr int kEventClientOffline = 28;

}  // namespace parley::plugin
