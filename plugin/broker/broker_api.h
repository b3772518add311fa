#pragma once
#include <string>
#include <string_view>

#include "base/log.h"

namespace parley::plugin {

// What the plugin's core may ask of the broker. Implemented over Mosquitto's API in plugin.cc, by a recording fake in tests.
// For the broker's thread only. Nothing here blocks or fails visibly: want of memory is logged and the message is lost, which the journal heals.
class BrokerApi {
 public:
  virtual ~BrokerApi() = default;
  // Delivered in the loop's next turn to whoever is subscribed, each passed by the read check. Never retained.
  virtual void publish(const char* topic, std::string_view payload, int qos) = 0;
  // To one client, whether subscribed or not, without a read check; nothing happens when it is gone.
  virtual void publish_to(const char* client_id, const char* topic, std::string_view payload, int qos) = 0;
  // Ends a session's connection (its will is sent). Only from tick. False when no such client is there.
  virtual bool kick(const char* client_id) = 0;
  // Ends the broker as SIGTERM does, when this callback has returned.
  virtual void stop() = 0;
  // Ends all connections whose user name is this one, without their wills; sessions are not looked for by client id. Only from tick. Looks through all
  // connections.
  virtual void kick_all_named(const char* username) = 0;
  virtual void log(LogLevel level, std::string_view line) = 0;
};

// A client as a callback sees it. Views live as long as the callback.
struct Client {
  const void* key = nullptr;  // the broker's own object: the same through one connection
  std::string_view id;
  std::string_view username;  // "" when none
  std::string_view address;   // "" when offline
  int protocol = 4;           // 3: MQTT 3.1, 4: 3.1.1, 5: 5
  bool websocket = false;
  bool clean_session = true;
  bool (*has_certificate)(const void* key) = nullptr;  // asked seldom, so only on demand
};

}  // namespace parley::plugin
