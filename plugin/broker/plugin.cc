// Mosquitto's plugin interface, version 5: C at the edge, nothing but registering, translating and catching. The rest is in Parley (parley.h).
#include <openssl/x509.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>

#include "plugin/broker/broker_version.h"
#include "plugin/broker/forwarded_for.h"
#include "plugin/broker/loop_nudge.h"
#include "plugin/broker/mosquitto_api.h"
#include "plugin/broker/parley.h"
#include "plugin/broker/property_reader.h"
#include "plugin/broker/reload_file.h"

#define PARLEY_EXPORT extern "C" __attribute__((visibility("default")))

namespace parley::plugin {
namespace {

int mosquitto_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return MOSQ_LOG_DEBUG;
    case LogLevel::info:
      return MOSQ_LOG_INFO;
    case LogLevel::warning:
      return MOSQ_LOG_WARNING;
    case LogLevel::error:
      return MOSQ_LOG_ERR;
  }
  return MOSQ_LOG_ERR;
}

class MosquittoApi final : public BrokerApi {
 public:
  void publish(const char* topic, std::string_view payload, int qos) override {
    send(nullptr, topic, payload, qos);
  }
  void publish_to(const char* client_id, const char* topic, std::string_view payload, int qos) override {
    send(client_id, topic, payload, qos);
  }
  bool kick(const char* client_id) override {
    return mosquitto_kick_client_by_clientid(client_id, true) == MOSQ_ERR_SUCCESS;
  }
  void stop() override { ::kill(::getpid(), SIGTERM); }
  void kick_all_named(const char* username) override { mosquitto_kick_client_by_username(username, false); }
  void log(LogLevel level, std::string_view line) override {
    mosquitto_log_printf(mosquitto_level(level), "parley: %.*s", static_cast<int>(line.size()), line.data());
  }

 private:
  void send(const char* client_id, const char* topic, std::string_view payload, int qos) {
    void* copy = mosquitto_malloc(payload.size() + 1);  // the broker frees it
    if (!copy) return log(LogLevel::error, "no memory for a message");
    std::memcpy(copy, payload.data(), payload.size());
    const int rc = mosquitto_broker_publish(client_id, topic, static_cast<int>(payload.size()), copy, qos,
                                            false, nullptr);
    if (rc != MOSQ_ERR_SUCCESS) {
      mosquitto_free(copy);
      log(LogLevel::error,
          std::string("the broker took no message for ") + topic + ": error " + std::to_string(rc));
    }
  }
};

std::string_view view(const char* text) {
  return text ? std::string_view(text) : std::string_view();
}

bool has_certificate(const void* key) {
  auto* certificate = static_cast<X509*>(mosquitto_client_certificate(static_cast<const mosquitto*>(key)));
  X509_free(certificate);
  return certificate != nullptr;
}

// Everything Mosquitto keeps for us between calls.
struct Plugin {
  MosquittoApi api;
  SystemClock clock;
  std::unique_ptr<Parley> parley;
  PropertyReader properties = PropertyReader::find();
  ForwardedFor forwarded_for = ForwardedFor::ignored;
  std::optional<LoopNudge> nudge;  // where the broker needs it
  mosquitto_plugin_id_t* id = nullptr;
  GivenOptions given;  // in mosquitto.conf
};

Client describe(const mosquitto* client, const Plugin& plugin) {
  const bool websocket = mosquitto_client_protocol(client) == mp_websockets;
  return Client{
      .key = client,
      .id = view(mosquitto_client_id(client)),
      .username = view(mosquitto_client_username(client)),
      .address = believable_address(view(mosquitto_client_address(client)), websocket, plugin.forwarded_for),
      .protocol = mosquitto_client_protocol_version(client),
      .websocket = websocket,
      .clean_session = mosquitto_client_clean_session(client),
      .has_certificate = has_certificate};
}

ForwardedFor header_of(const Options& options) {
  constexpr int kFirstToListen = 2'000'015;
  const int version = broker_version();
  if (version != 0 && version < kFirstToListen) return ForwardedFor::unheard;
  return options.websocket_forwarded_for ? ForwardedFor::believed : ForwardedFor::ignored;
}

Properties read_properties(const PropertyReader& reader, const mosquitto_property* list) {
  return {.content_type = reader.text(list, MQTT_PROP_CONTENT_TYPE),
          .response_topic = reader.text(list, MQTT_PROP_RESPONSE_TOPIC),
          .ref = reader.user_property(list, "ref"),
          .traceparent = reader.user_property(list, "traceparent")};
}

Plugin& plugin_of(void* userdata) {
  return *static_cast<Plugin*>(userdata);
}

// Runs a handler; what it throws is logged and becomes `refusal`. Nothing crosses the edge.
template <class Handler>
int guarded(void* userdata, int refusal, Handler&& handler) noexcept {
  auto& plugin = plugin_of(userdata);
  try {
    return handler(*plugin.parley);
  } catch (const std::exception& e) {
    plugin.api.log(LogLevel::error, std::string("an exception in a callback, which denies: ") + e.what());
  } catch (...) {
    plugin.api.log(LogLevel::error, "an unknown exception in a callback, which denies");
  }
  plugin.parley->count_exception();
  return refusal;
}

int on_basic_auth(int, void* event, void* userdata) {
  auto& e = *static_cast<mosquitto_evt_basic_auth*>(event);
  return guarded(userdata, MOSQ_ERR_AUTH, [&](Parley& parley) {
    std::string new_username;
    const auto verdict =
        parley.login(describe(e.client, plugin_of(userdata)), e.username, e.password, new_username);
    if (!new_username.empty() && mosquitto_set_username(e.client, new_username.c_str()) != MOSQ_ERR_SUCCESS)
      return static_cast<int>(MOSQ_ERR_AUTH);
    switch (verdict) {
      case LoginVerdict::accept:
        return static_cast<int>(MOSQ_ERR_SUCCESS);
      case LoginVerdict::defer:
        return static_cast<int>(MOSQ_ERR_PLUGIN_DEFER);
      case LoginVerdict::busy:
        return static_cast<int>(MOSQ_ERR_UNKNOWN);  // closed without CONNACK: clients try again
      case LoginVerdict::deny:
        break;
    }
    return static_cast<int>(MOSQ_ERR_AUTH);
  });
}

// The broker frees the reply with free().
int obey(mosquitto_evt_extended_auth& e, const AuthStep& step) {
  if (!step.username.empty() && mosquitto_set_username(e.client, step.username.c_str()) != MOSQ_ERR_SUCCESS)
    return MOSQ_ERR_AUTH;
  if (!step.reply.empty()) {
    e.data_out = std::malloc(step.reply.size());
    if (!e.data_out) return MOSQ_ERR_AUTH;
    std::memcpy(e.data_out, step.reply.data(), step.reply.size());
    e.data_out_len = static_cast<std::uint16_t>(step.reply.size());
  }
  switch (step.what) {
    case AuthStep::What::accept:
      return MOSQ_ERR_SUCCESS;
    case AuthStep::What::go_on:
      return MOSQ_ERR_AUTH_CONTINUE;
    case AuthStep::What::busy:
      return MOSQ_ERR_UNKNOWN;  // closed without CONNACK: clients try again
    case AuthStep::What::unsupported:
      return MOSQ_ERR_NOT_SUPPORTED;
    case AuthStep::What::deny:
      break;
  }
  return MOSQ_ERR_AUTH;
}

std::string_view data_of(const mosquitto_evt_extended_auth& e) {
  return {static_cast<const char*>(e.data_in), e.data_in ? e.data_in_len : 0u};
}

int on_auth_start(int, void* event, void* userdata) {
  auto& e = *static_cast<mosquitto_evt_extended_auth*>(event);
  return guarded(userdata, MOSQ_ERR_AUTH, [&](Parley& parley) {
    return obey(e,
                parley.auth_start(describe(e.client, plugin_of(userdata)), view(e.auth_method), data_of(e)));
  });
}

int on_auth_continue(int, void* event, void* userdata) {
  auto& e = *static_cast<mosquitto_evt_extended_auth*>(event);
  return guarded(userdata, MOSQ_ERR_AUTH, [&](Parley& parley) {
    return obey(e, parley.auth_continue(describe(e.client, plugin_of(userdata)), data_of(e)));
  });
}

int on_acl_check(int, void* event, void* userdata) {
  auto& e = *static_cast<mosquitto_evt_acl_check*>(event);
  return guarded(userdata, MOSQ_ERR_ACL_DENIED, [&](Parley& parley) {
    const AclRequest request{
        .access = e.access == MOSQ_ACL_READ        ? Access::read
                  : e.access == MOSQ_ACL_WRITE     ? Access::write
                  : e.access == MOSQ_ACL_SUBSCRIBE ? Access::subscribe
                                                   : Access::unsubscribe,
        .topic = view(e.topic),
        .payload = {static_cast<const char*>(e.payload), e.payload ? e.payloadlen : 0},
        .retain = e.retain,
        .qos = e.qos,
        .subscriptions = e.access == MOSQ_ACL_SUBSCRIBE ? mosquitto_client_sub_count(e.client) : 0};
    auto& plugin = plugin_of(userdata);
    const auto client = describe(e.client, plugin);
    switch (parley.check(client, request)) {
      case AclDecision::allow:
        if (plugin.nudge && client.websocket && request.access == Access::read)
          plugin.nudge->sending(request.payload.size());
        return static_cast<int>(MOSQ_ERR_SUCCESS);
      case AclDecision::defer:
        return static_cast<int>(MOSQ_ERR_PLUGIN_DEFER);
      case AclDecision::deny:
        break;
    }
    return static_cast<int>(MOSQ_ERR_ACL_DENIED);
  });
}

// The old payload stays the broker's.
bool replace_payload(mosquitto_evt_message& e, std::string_view bytes) {
  void* payload = mosquitto_malloc(bytes.size());
  if (!payload) return false;
  std::memcpy(payload, bytes.data(), bytes.size());
  e.payload = payload;
  e.payloadlen = static_cast<std::uint32_t>(bytes.size());
  return true;
}

int on_message(int, void* event, void* userdata) {
  auto& e = *static_cast<mosquitto_evt_message*>(event);
  const auto& reader = plugin_of(userdata).properties;
  return guarded(userdata, MOSQ_ERR_ACL_DENIED, [&](Parley& parley) {
    bool keep_retain = e.retain;
    const std::string_view payload{static_cast<const char*>(e.payload), e.payload ? e.payloadlen : 0};
    std::string after;
    const bool taken = parley.message(
        describe(e.client, plugin_of(userdata)), view(e.topic), payload,
        [&] { return read_properties(reader, e.properties); }, keep_retain, after);
    e.retain = keep_retain;
    if (taken && !after.empty() && !replace_payload(e, after)) return static_cast<int>(MOSQ_ERR_NOMEM);
    return static_cast<int>(taken ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED);
  });
}

int on_control(int, void* event, void* userdata) {
  auto& e = *static_cast<mosquitto_evt_control*>(event);
  return guarded(userdata, MOSQ_ERR_SUCCESS, [&](Parley& parley) {
    parley.control(describe(e.client, plugin_of(userdata)),
                   {static_cast<const char*>(e.payload), e.payload ? e.payloadlen : 0});
    return static_cast<int>(MOSQ_ERR_SUCCESS);
  });
}

// Before 2.0.13 a connection that breaks off before it has logged in takes whoever has its client id out of the broker's table of clients: that one
// could not be kicked any more, nor be given anything by its id. With an empty id nobody is found. The text is the broker's own, and not const there.
void forget_client_id(const mosquitto* client) {
  if (const char* id = mosquitto_client_id(client)) *const_cast<char*>(id) = '\0';
}

int on_disconnect(int, void* event, void* userdata) {
  auto& e = *static_cast<mosquitto_evt_disconnect*>(event);
  return guarded(userdata, MOSQ_ERR_SUCCESS, [&](Parley& parley) {
    if (parley.disconnected({.key = e.client, .username = view(mosquitto_client_username(e.client))}))
      forget_client_id(e.client);
    return static_cast<int>(MOSQ_ERR_SUCCESS);
  });
}

int on_tick(int, void*, void* userdata) {
  if (auto& nudge = plugin_of(userdata).nudge) nudge->turned();
  return guarded(userdata, MOSQ_ERR_SUCCESS, [&](Parley& parley) {
    parley.tick();
    return static_cast<int>(MOSQ_ERR_SUCCESS);
  });
}

int on_reload(int, void*, void* userdata) {
  return guarded(userdata, MOSQ_ERR_SUCCESS, [&](Parley& parley) {
    parley.reload(load_options(plugin_of(userdata).given));
    return static_cast<int>(MOSQ_ERR_SUCCESS);
  });
}

struct Callback {
  int event;
  MOSQ_FUNC_generic_callback function;
  const char* topic;
};
constexpr Callback kCallbacks[] = {
    {MOSQ_EVT_BASIC_AUTH, on_basic_auth, nullptr},
    {MOSQ_EVT_ACL_CHECK, on_acl_check, nullptr},
    {MOSQ_EVT_EXT_AUTH_START, on_auth_start, nullptr},
    {MOSQ_EVT_EXT_AUTH_CONTINUE, on_auth_continue, nullptr},
    {MOSQ_EVT_MESSAGE, on_message, nullptr},
    {MOSQ_EVT_CONTROL, on_control, "$CONTROL/parley/v1"},
    {MOSQ_EVT_DISCONNECT, on_disconnect, nullptr},
    {MOSQ_EVT_TICK, on_tick, nullptr},
    {MOSQ_EVT_RELOAD, on_reload, nullptr},
    {kEventClientOffline, on_disconnect, nullptr},
};

int start(mosquitto_plugin_id_t* id, void** userdata, const mosquitto_opt* options, int count) {
  auto plugin = std::make_unique<Plugin>();
  plugin->id = id;
  for (int i = 0; i < count; ++i) plugin->given.emplace_back(view(options[i].key), view(options[i].value));

  auto refuse = [&](const std::string& why) {
    plugin->api.log(LogLevel::error, why + ". The broker does not start like this.");
    return static_cast<int>(MOSQ_ERR_INVAL);
  };
  auto parsed = load_options(plugin->given);
  if (!parsed) return refuse(parsed.error().message);
  if (says_per_listener_settings(own_config_file()).value_or(false))
    return refuse(
        "per_listener_settings true is not supported: the broker then gives plugins no clock ticks");
  auto parley = Parley::open(*parsed, plugin->api, plugin->clock);
  if (!parley) return refuse(parley.error().message);
  plugin->parley = std::move(*parley);
  plugin->forwarded_for = header_of(*parsed);
  if (LoopNudge::needed()) plugin->nudge.emplace();

  for (const auto& c : kCallbacks)
    if (int rc = mosquitto_callback_register(id, c.event, c.function, c.topic, plugin.get());
        rc != MOSQ_ERR_SUCCESS && !(rc == MOSQ_ERR_NOT_SUPPORTED && c.event == kEventClientOffline)) {
      plugin->api.log(LogLevel::error, "callback " + std::to_string(c.event) +
                                           " could not be registered: error " + std::to_string(rc));
      return rc;
    }
  if (!plugin->properties)
    plugin->api.log(LogLevel::warning,
                    "neither this broker nor a libmosquitto of its version lets properties be read: Content "
                    "Type, Response Topic and user property ref are not seen");
  *userdata = plugin.release();
  return MOSQ_ERR_SUCCESS;
}

}  // namespace
}  // namespace parley::plugin

PARLEY_EXPORT int mosquitto_plugin_version(int count, const int* versions) {
  for (int i = 0; i < count; ++i)
    if (versions[i] == 5) return 5;
  return -1;
}

PARLEY_EXPORT int mosquitto_plugin_init(mosquitto_plugin_id_t* id, void** userdata, mosquitto_opt* options,
                                        int count) {
  try {
    return parley::plugin::start(id, userdata, options, count);
  } catch (const std::exception& e) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "parley: could not start: %s", e.what());
  } catch (...) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "parley: could not start");
  }
  return MOSQ_ERR_UNKNOWN;
}

PARLEY_EXPORT int mosquitto_plugin_cleanup(void* userdata, mosquitto_opt*, int) {
  using namespace parley::plugin;
  std::unique_ptr<Plugin> plugin(static_cast<Plugin*>(userdata));
  if (!plugin) return MOSQ_ERR_SUCCESS;
  for (const auto& c : kCallbacks) mosquitto_callback_unregister(plugin->id, c.event, c.function, c.topic);
  return MOSQ_ERR_SUCCESS;
}
