#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/config/config.h"
#include "backend/mqtt/publisher.h"
#include "backend/notify/provider.h"
#include "backend/notify/providers/unsubscribe_token.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace parley::backend {

// The providers the configuration names: one whose main key is set (fcm.service_account_file, apns.key_file, webpush.key_file,
// webhook.url, email.url, notify.mqtt_topic, notify.stdout). Reads their files; reaches for no server. Errors name the key:
// invalid_argument, and those of read_secret_file. `publisher` and `clock` outlive them.
Result<std::vector<std::unique_ptr<Provider>>> make_providers(const Config& config, Publisher& publisher,
                                                              const LogSink& log, const Clock& clock);

// Whether make_providers would make them: for --check-config.
Result<> try_providers(const Config& config, const Clock& clock);

// What browsers subscribe with (applicationServerKey, base64url); "" when Web Push is not in use.
Result<std::string> webpush_public_key(const Config& config);

// What checks the links of our mails; nullopt when mails have none.
Result<std::optional<UnsubscribeToken>> unsubscribe_token(const Config& config);

}  // namespace parley::backend
