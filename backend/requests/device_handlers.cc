#include <map>

#include "backend/requests/handlers.h"
#include "backend/requests/notify_desk.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

// What the register knows, and those of this moment that it does not know yet.
std::map<std::string, wire::Json> devices_of(const std::vector<DeviceRow>& rows,
                                             const std::vector<LiveDevice>& live) {
  std::map<std::string, wire::Json> devices;
  for (const auto& row : rows)
    devices[row.device] = {{"device", row.device},
                           {"first_seen", to_ms(row.first_seen)},
                           {"last_seen", to_ms(row.last_seen)},
                           {"connected", false}};
  for (const auto& device : live) {
    if (!device.connected && !devices.contains(device.device)) continue;
    auto& json = devices[device.device];
    json["device"] = device.device;
    json["connected"] = device.connected;
    if (!device.says.empty()) json["status"] = device.says;
  }
  return devices;
}

void clear_status(Services& services, const std::string& user, const std::string& device) {
  (void)services.publisher.publish(
      {.topic = wire::device_status_topic(user, device), .payload = "", .retain = true});
}

// Once the broker refuses the tokens, the device is put out; then the answer.
void put_out(Services& services, const std::string& user, const std::string& device, std::size_t revoked,
             const std::function<void(Reply)>& reply) {
  services.broker.forget_device(
      user, device, [&services, user, device, revoked, reply](const Result<std::uint32_t>& kicked) {
        if (!kicked) return reply(refuse(wire::code_of(kicked.error().code), kicked.error().message));
        clear_status(services, user, device);
        reply(wire::Json{{"kicked", *kicked}, {"revoked", revoked}}.dump());
      });
}

}  // namespace

Outcome device_list(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  auto rows = context.services.stores.devices->list(*user);
  if (!rows) return refuse(context, rows.error());
  ListText list("devices");
  bool more = false;
  for (const auto& [name, json] : devices_of(*rows, context.services.presence.devices(*user)))
    more = more || !list.add(json);
  return std::move(list).finish(more);
}

Outcome device_forget(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  auto device = params.name("device");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  auto& devices = *context.services.stores.devices;
  auto noted = devices.seen(context.services.presence.forget_device(*user, device));
  if (!noted) return refuse(context, noted.error());
  auto forgotten = devices.forget(*user, device);
  if (!forgotten) return refuse(context, forgotten.error());
  if (auto* desk = context.services.options.notify) desk->forget(*user);
  return Deferred{[&services = context.services, user = *user, device, revoked = forgotten->value.size(),
                   version = forgotten->version](const std::function<void(Reply)>& reply) {
    if (version == 0) return put_out(services, user, device, revoked, reply);
    services.broker.directory_changed(version, [=, &services](const Result<>& done) {
      if (!done) return reply(refuse(wire::Code::in_doubt));
      put_out(services, user, device, revoked, reply);
    });
  }};
}

}  // namespace parley::backend
