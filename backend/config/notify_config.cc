#include "backend/config/notify_config.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace parley::backend {
namespace {

std::unexpected<Error> missing(const std::string& key, const std::string& needed_by) {
  return fail(Errc::invalid_argument, key + " is missing: " + needed_by + " needs it.");
}

Result<> require(const std::string& needed_by,
                 std::initializer_list<std::pair<const char*, const std::string&>> keys) {
  for (const auto& [key, value] : keys)
    if (value.empty()) return missing(key, needed_by);
  return {};
}

bool is_url(const std::string& text, std::initializer_list<std::string_view> schemes) {
  const auto begins = [&](std::string_view scheme) {
    return text.starts_with(scheme) && text.size() > scheme.size();
  };
  return std::ranges::any_of(schemes, begins) &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

Result<> https(const std::string& key, const std::string& url) {
  if (is_url(url, {"https://"})) return {};
  return fail(Errc::invalid_argument, key + " must be a URL that begins with https://.");
}

// What goes into a header or a token as it is.
Result<> plain(const std::string& key, const std::string& value) {
  const bool fine = std::ranges::all_of(value, [](char c) { return c > ' ' && c < 0x7F; });
  if (fine) return {};
  return fail(Errc::invalid_argument, key + " must be of ASCII characters without blanks.");
}

// The first that is wrong.
Result<> all_of(std::initializer_list<Result<>> results) {
  for (const auto& result : results)
    if (!result) return result;
  return {};
}

Result<> check_apns(const Config::Notify::Apns& apns) {
  if (apns.key_file.empty()) return {};
  return all_of(
      {require("apns.key_file",
               {{"apns.key_id", apns.key_id}, {"apns.team_id", apns.team_id}, {"apns.topic", apns.topic}}),
       plain("apns.key_id", apns.key_id), plain("apns.team_id", apns.team_id),
       plain("apns.topic", apns.topic), https("apns.url", apns.url),
       https("apns.sandbox_url", apns.sandbox_url)});
}

Result<> check_web_push(const Config::Notify::WebPush& webpush) {
  if (webpush.key_file.empty()) return {};
  if (auto there = require("webpush.key_file", {{"webpush.subject", webpush.subject}}); !there) return there;
  if (is_url(webpush.subject, {"mailto:", "https://"})) return {};
  return fail(Errc::invalid_argument, "webpush.subject must begin with mailto: or https://.");
}

Result<> check_webhook(const Config::Notify::Webhook& webhook) {
  if (webhook.url.empty()) return {};
  if (!is_url(webhook.url, {"http://", "https://"}))
    return fail(Errc::invalid_argument, "webhook.url must be a URL that begins with http:// or https://.");
  return require("webhook.url", {{"webhook.secret_file", webhook.secret_file}});
}

Result<> check_email(const Config::Notify::Email& email) {
  if (email.url.empty()) return {};
  if (!is_url(email.url, {"smtp://", "smtps://"}))
    return fail(Errc::invalid_argument, "email.url must be a URL that begins with smtp:// or smtps://.");
  if (email.url.find('@') != std::string::npos)
    return fail(Errc::invalid_argument,
                "email.url must hold no login: that is email.user and email.password_file.");
  if (auto there = require("email.url", {{"email.from", email.from}}); !there) return there;
  if (email.user.empty() != email.password_file.empty())
    return email.user.empty() ? missing("email.user", "email.password_file")
                              : missing("email.password_file", "email.user");
  if (email.unsubscribe_url.empty()) return {};
  return all_of(
      {https("email.unsubscribe_url", email.unsubscribe_url),
       require("email.unsubscribe_url", {{"email.unsubscribe_key_file", email.unsubscribe_key_file}})});
}

}  // namespace

Result<> check_notify(const Config& config) {
  const auto& notify = config.notify;
  return all_of({notify.fcm.service_account_file.empty() ? Result<>() : https("fcm.url", notify.fcm.url),
                 check_apns(notify.apns), check_web_push(notify.webpush), check_webhook(notify.webhook),
                 check_email(notify.email)});
}

}  // namespace parley::backend
