#include <algorithm>
#include <string>
#include <vector>

#include "backend/notify/registration_check.h"
#include "backend/requests/handlers.h"
#include "backend/requests/notify_desk.h"
#include "backend/requests/params.h"

namespace parley::backend {
namespace {

constexpr const char* kEmail = "email";  // its provider, and the device of one that belongs to none
constexpr std::size_t kProviderMax = 16;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// Those in use that take registrations.
std::vector<std::string> registering(const RequestContext& context) {
  auto* desk = context.services.options.notify;
  if (!desk) return {};
  auto providers = desk->providers();
  std::erase_if(providers, [](const std::string& name) { return !takes_registrations(name); });
  return providers;
}

wire::Failure not_in_use(const std::vector<std::string>& providers) {
  if (providers.empty())
    return {wire::Code::invalid_argument, "This server uses no provider that takes registrations."};
  std::string list;
  for (const auto& name : providers) list += (list.empty() ? "" : ", ") + name;
  return {wire::Code::invalid_argument, "`provider` is not one of those this server uses: " + list + "."};
}

wire::Json registration_json(const Registration& registration) {
  return {{"id", registration.id},
          {"device", registration.device},
          {"provider", registration.provider},
          {"at", to_ms(registration.at)}};
}

// One that has connected, or is connected now.
std::expected<bool, wire::Failure> has_device(const RequestContext& context, const std::string& user,
                                              const std::string& device) {
  auto& services = context.services;
  if (std::ranges::any_of(services.presence.devices(user),
                          [&](const LiveDevice& live) { return live.connected && live.device == device; }))
    return true;
  auto rows = services.stores.devices->list(user);
  if (!rows) return refuse(context, rows.error());
  return std::ranges::any_of(*rows, [&](const DeviceRow& row) { return row.device == device; });
}

// Whose device: the one that asks, or another of one's own; administrators may name any.
std::expected<std::string, wire::Failure> device_for(const RequestContext& context, const std::string& user,
                                                     const std::optional<std::string>& given) {
  const auto& asking = context.request.device;
  if (!given && user == context.user() && !asking.empty()) return asking;
  if (!given) return refuse(wire::Code::invalid_argument, "push.register: `device` is missing.");
  if (context.admin() || *given == asking) return *given;
  auto known = has_device(context, user, *given);
  if (!known) return std::unexpected(known.error());
  if (!*known) return refuse(wire::Code::not_found, "You have no device of this name.");
  return *given;
}

// What is to be registered, once everything about it is allowed and well formed.
std::expected<Registration, wire::Failure> read_registration(const RequestContext& context) {
  Params params(context.request);
  const auto provider = params.text("provider", kProviderMax);
  const auto address = params.text("address", kPushAddressMax);
  const auto* keys = params.object("keys");
  const auto device = params.optional_name("device"), given = params.optional_name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  auto* desk = context.services.options.notify;
  if (!desk || desk->providers().empty())
    return refuse(wire::Code::unavailable, "This server sends no notifications.");
  const auto in_use = registering(context);
  if (!contains(in_use, provider)) return std::unexpected(not_in_use(in_use));
  const bool email = provider == kEmail;
  if (email && !context.admin())
    return refuse(wire::Code::not_allowed, "An administrator registers e-mail addresses.");
  auto checked = check_address(provider, address, keys ? *keys : wire::Json::object());
  if (!checked) return refuse(wire::Code::invalid_argument, "push.register: " + checked.error().message);
  auto of = email ? device.value_or(kEmail) : device_for(context, *user, device);
  if (!of) return std::unexpected(of.error());
  return Registration{
      .user = *user, .device = *of, .provider = provider, .address = checked->address, .keys = checked->keys};
}

void registrations_changed(const RequestContext& context, const std::string& user) {
  if (auto* desk = context.services.options.notify) desk->forget(user);
}

// All devices on which the user has a registration that `provider` ("": any) fits.
Result<std::vector<std::string>> devices_with(PushStore& push, const std::string& user,
                                              const std::string& provider) {
  auto registrations = push.list(user);
  if (!registrations) return std::unexpected(registrations.error());
  std::vector<std::string> devices;
  for (const auto& one : *registrations)
    if ((provider.empty() || one.provider == provider) && !contains(devices, one.device))
      devices.push_back(one.device);
  return devices;
}

}  // namespace

Outcome push_register(const RequestContext& context) {
  auto registration = read_registration(context);
  if (!registration) return std::unexpected(registration.error());
  auto kept = context.services.stores.push->put(*registration);
  if (!kept) return refuse(context, kept.error());
  registrations_changed(context, kept->user);
  return registration_json(*kept).dump();
}

// Without a device it is the one push.register would take; of a user who is named, all.
Outcome push_unregister(const RequestContext& context) {
  Params params(context.request);
  auto device = params.optional_name("device");
  const auto provider = params.optional_text("provider", kProviderMax).value_or("");
  const auto given = params.optional_name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  if (!device && !given) device = provider == kEmail ? kEmail : context.request.device;
  auto& push = *context.services.stores.push;
  Result<std::vector<std::string>> devices = std::vector<std::string>{};
  if (device)
    devices->push_back(*device);
  else
    devices = devices_with(push, *user, provider);
  if (!devices) return refuse(context, devices.error());
  std::uint32_t removed = 0;
  for (const auto& name : *devices) {
    auto gone = push.remove(*user, name, provider);
    if (!gone) return refuse(context, gone.error());
    removed += *gone;
  }
  if (removed == 0) return refuse(wire::Code::not_found, "There is no such registration.");
  registrations_changed(context, *user);
  return wire::Json{{"removed", removed}}.dump();
}

Outcome push_list(const RequestContext& context) {
  Params params(context.request);
  const auto given = params.optional_name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  auto registrations = context.services.stores.push->list(*user);
  if (!registrations) return refuse(context, registrations.error());
  wire::Json result{{"registrations", wire::Json::array()}, {"providers", registering(context)}};
  for (const auto& one : *registrations) result["registrations"].push_back(registration_json(one));
  if (auto* desk = context.services.options.notify; desk && !desk->webpush_key().empty())
    result["webpush_key"] = desk->webpush_key();
  return result.dump();
}

}  // namespace parley::backend
