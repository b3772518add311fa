#include "backend/notify/providers/make_providers.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "backend/config/notify_config.h"
#include "backend/notify/providers/apns_provider.h"
#include "backend/notify/providers/email_provider.h"
#include "backend/notify/providers/fcm_provider.h"
#include "backend/notify/providers/operator_providers.h"
#include "backend/notify/providers/web_push_provider.h"
#include "backend/notify/providers/webhook_provider.h"
#include "base/file.h"

namespace parley::backend {
namespace {

constexpr std::size_t kMailThreads = 4;

using Made = Result<std::unique_ptr<Provider>>;

std::unexpected<Error> of_key(const char* key, const Error& error) {
  return fail(error.code, std::string(key) + ": " + error.message);
}

TransferOptions transfer_options(const Config::Notify& notify) {
  return {.timeout = notify.timeout, .ca_file = notify.ca_file};
}

HttpClientOptions client_options(const Config::Notify& notify) {
  return {.transfer = transfer_options(notify), .in_flight_max = notify.connections};
}

Result<std::string> secret_of(const char* key, const std::string& file) {
  auto secret = read_secret_file(file);
  if (!secret) return of_key(key, secret.error());
  return secret;
}

Result<PrivateKey> key_of(const char* key, const std::string& file) {
  auto read = PrivateKey::from_file(file, PrivateKey::Kind::p256);
  if (!read) return of_key(key, read.error());
  return read;
}

Made make_fcm(const Config::Notify& notify, const Clock& clock) {
  auto account = read_service_account(notify.fcm.service_account_file);
  if (!account) return of_key("fcm.service_account_file", account.error());
  return FcmProvider::make({*std::move(account), notify.fcm.url, client_options(notify)}, clock);
}

Made make_apns(const Config::Notify& notify, const Clock& clock) {
  const auto& apns = notify.apns;
  auto key = key_of("apns.key_file", apns.key_file);
  if (!key) return std::unexpected(key.error());
  return ApnsProvider::make({*std::move(key), apns.key_id, apns.team_id, apns.topic, apns.url,
                             apns.sandbox_url, client_options(notify)},
                            clock);
}

Made make_web_push(const Config::Notify& notify, const Clock& clock) {
  auto key = key_of("webpush.key_file", notify.webpush.key_file);
  if (!key) return std::unexpected(key.error());
  auto client = client_options(notify);
  client.public_only = !notify.webpush.allow_private;
  return WebPushProvider::make({*std::move(key), notify.webpush.subject, std::move(client)}, clock);
}

Made make_webhook(const Config::Notify& notify, const Clock& clock) {
  auto secret = secret_of("webhook.secret_file", notify.webhook.secret_file);
  if (!secret) return std::unexpected(secret.error());
  auto client = client_options(notify);
  client.plain = true;
  return WebhookProvider::make({notify.webhook.url, *std::move(secret), std::move(client)}, clock);
}

Made make_email(const Config::Notify& notify, const Clock& clock) {
  const auto& email = notify.email;
  EmailOptions options;
  options.client = {.transfer = transfer_options(notify),
                    .threads = std::min<std::size_t>(notify.connections, kMailThreads),
                    .url = email.url,
                    .user = email.user};
  auto from = parse_mail_address(email.from);
  if (!from) return of_key("email.from", from.error());
  options.from = *std::move(from);
  if (!email.password_file.empty()) {
    auto password = secret_of("email.password_file", email.password_file);
    if (!password) return std::unexpected(password.error());
    options.client.password = *std::move(password);
  }
  if (!email.unsubscribe_url.empty()) {
    auto key = secret_of("email.unsubscribe_key_file", email.unsubscribe_key_file);
    if (!key) return std::unexpected(key.error());
    options.unsubscribe_url = email.unsubscribe_url;
    options.unsubscribe_key = *std::move(key);
  }
  return EmailProvider::make(std::move(options), clock);
}

Made make_mqtt(const Config::Notify& notify, Publisher& publisher) {
  if (auto sound = check_mqtt_topic(notify.mqtt_topic); !sound)
    return of_key("notify.mqtt_topic", sound.error());
  return std::make_unique<MqttProvider>(notify.mqtt_topic, publisher);
}

class NoPublisher final : public Publisher {
  Result<> publish(Publication) override { return fail(Errc::unavailable, "There is no broker."); }
};

}  // namespace

Result<std::vector<std::unique_ptr<Provider>>> make_providers(const Config& config, Publisher& publisher,
                                                              const LogSink& log, const Clock& clock) {
  if (auto sound = check_notify(config); !sound) return std::unexpected(sound.error());
  const auto& notify = config.notify;
  if (!notify.ca_file.empty())
    if (auto ca = read_file(notify.ca_file); !ca) return of_key("notify.ca_file", ca.error());
  std::vector<Made> made;
  if (!notify.fcm.service_account_file.empty()) made.push_back(make_fcm(notify, clock));
  if (!notify.apns.key_file.empty()) made.push_back(make_apns(notify, clock));
  if (!notify.webpush.key_file.empty()) made.push_back(make_web_push(notify, clock));
  if (!notify.webhook.url.empty()) made.push_back(make_webhook(notify, clock));
  if (!notify.email.url.empty()) made.push_back(make_email(notify, clock));
  if (!notify.mqtt_topic.empty()) made.push_back(make_mqtt(notify, publisher));
  if (notify.to_stdout) made.push_back(std::make_unique<StdoutProvider>(STDOUT_FILENO));
  std::vector<std::unique_ptr<Provider>> providers;
  for (auto& each : made) {
    if (!each) return std::unexpected(each.error());
    if (log) log(LogLevel::info, "notifications are sent by " + (*each)->name());
    providers.push_back(*std::move(each));
  }
  return providers;
}

Result<> try_providers(const Config& config, const Clock& clock) {
  NoPublisher publisher;
  if (auto made = make_providers(config, publisher, {}, clock); !made) return std::unexpected(made.error());
  return {};
}

Result<std::string> webpush_public_key(const Config& config) {
  if (config.notify.webpush.key_file.empty()) return std::string();
  const auto key = key_of("webpush.key_file", config.notify.webpush.key_file);
  if (!key) return std::unexpected(key.error());
  return web_push_public_key(*key);
}

Result<std::optional<UnsubscribeToken>> unsubscribe_token(const Config& config) {
  const auto& email = config.notify.email;
  if (email.url.empty() || email.unsubscribe_url.empty()) return std::nullopt;
  auto key = secret_of("email.unsubscribe_key_file", email.unsubscribe_key_file);
  if (!key) return std::unexpected(key.error());
  return UnsubscribeToken(*std::move(key));
}

}  // namespace parley::backend
