#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "backend/notify/notification.h"
#include "backend/notify/providers/http_client.h"

namespace parley::backend {

// What is the same for all providers that are asked by HTTP: deliveries that tell what happened. A `reason` holds nothing of what
// a server said but for its status and the words it has for errors: all else may name an address or repeat content.
Delivery sent();
Delivery retry(std::string reason, const HttpAnswer& answer = {});
Delivery target_dead(std::string reason);
Delivery refused(std::string reason);
Delivery misconfigured(std::string reason);
Delivery of_target(Delivery delivery);  // with Delivery::of_target set

// Of an exchange without an answer. Another server's certificate is wrong: misconfigured.
Delivery unanswered(const HttpAnswer& answer);

// "HTTP 503", with ` word` after it when there is one.
std::string status_text(const HttpAnswer& answer, std::string_view word = {});
// A word of an answer as a reason may hold it: letters, digits, `_`, at most 64 of them; else "".
std::string error_word(const nlohmann::json& value);
// The body as JSON; discarded (is_discarded()) when it is none.
nlohmann::json body_json(const HttpAnswer& answer);
// `json`[`name`], or null when it is no object or has no such member.
const nlohmann::json& member(const nlohmann::json& json, const char* name);

}  // namespace parley::backend
