#include "backend/notify/providers/apns_provider.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "backend/notify/providers/answers.h"
#include "backend/notify/providers/notification_json.h"
#include "base/crypto.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr std::size_t kPayloadMax = 4'096;    // bytes
constexpr std::size_t kCollapseMax = 64;      // bytes
constexpr std::size_t kDeviceTokenMax = 200;  // characters; Apple's have 64 today
constexpr std::chrono::minutes kTokenLife{50}, kTokenPause{20};

// Without a word on the screen: the application is woken and does what is to be done.
bool in_background(const Notification& notification) {
  return notification.kind == Notification::Kind::withdrawn || shown(notification).body.empty();
}

Json aps_of(const Notification& notification) {
  Json aps = Json::object();
  if (in_background(notification)) {
    aps["content-available"] = 1;
  } else {
    const auto text = shown(notification);
    aps["alert"] = {{"title", text.title}, {"body", text.body}};
    aps["thread-id"] = notification.collapse;
    if (notification.kind == Notification::Kind::message) aps["sound"] = "default";
    if (notification.kind == Notification::Kind::updated) aps["interruption-level"] = "passive";
  }
  aps["badge"] = notification.badge;
  return aps;
}

Json payload_json(const Notification& notification) {
  Json json{{"aps", aps_of(notification)},
            {"id", notification.id},
            {"kind", kind_name(notification.kind)},
            {"collapse", notification.collapse}};
  if (!notification.room.empty()) json["room"] = notification.room;
  if (notification.seq) json["seq"] = notification.seq;
  if (notification.count) json["count"] = notification.count;
  return json;
}

bool is_device_token(const std::string& token) {
  return !token.empty() && token.size() <= kDeviceTokenMax && std::ranges::all_of(token, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

bool is_of_sandbox(const Registration& to) {
  return member(Json::parse(to.keys, nullptr, false), "sandbox") == true;
}

// Apple says since when it knows that the device is gone: it may have come back since.
bool registered_after(const Json& body, WallTime registered) {
  const auto& gone = member(body, "timestamp");
  return gone.is_number_unsigned() && to_ms(registered) > 0 &&
         gone.get<std::uint64_t>() < static_cast<std::uint64_t>(to_ms(registered));
}

}  // namespace

Result<std::string> ApnsToken::get() {
  const std::lock_guard lock(mutex_);
  if (!token_.empty() && clock_.steady() - made_ < kTokenLife) return token_;
  return make();
}

std::optional<std::string> ApnsToken::instead_of(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (token != token_) return token_;
  if (forced_ && clock_.steady() - *forced_ < kTokenPause) return std::nullopt;
  forced_ = clock_.steady();
  auto made = make();
  if (!made) return std::nullopt;
  return *made;
}

Result<std::string> ApnsToken::make() {
  const auto now_s = std::chrono::floor<seconds>(clock_.wall().time_since_epoch()).count();
  auto made = sign_jwt(key_, {{"kid", key_id_}}, {{"iss", team_id_}, {"iat", now_s}});
  if (!made) return made;
  made_ = clock_.steady();
  return token_ = *made;
}

std::string apns_payload(const Notification& notification) {
  return encode_within(notification, kPayloadMax,
                       [](const Notification& n) { return dump(payload_json(n)); });
}

std::string apns_id(const std::string& notification_id) {
  const auto digest = sha256("apns-id:" + notification_id);
  std::string bytes(as_view(digest).substr(0, 16));
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x80);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  const auto hex = hex_encode(bytes);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

std::vector<std::string> apns_headers(const Notification& notification, const std::string& topic,
                                      const std::string& token) {
  const bool background = in_background(notification);
  const bool urgent = !background && notification.kind == Notification::Kind::message;
  const auto expires_s = std::chrono::floor<seconds>(notification.expires.time_since_epoch()).count();
  std::vector<std::string> headers{"Authorization: bearer " + token,
                                   "Content-Type: application/json",
                                   "apns-topic: " + topic,
                                   std::string("apns-push-type: ") + (background ? "background" : "alert"),
                                   std::string("apns-priority: ") + (urgent ? "10" : "5"),
                                   "apns-expiration: " + std::to_string(std::max<std::int64_t>(expires_s, 0)),
                                   "apns-id: " + apns_id(notification.id)};
  if (!notification.collapse.empty())
    headers.push_back("apns-collapse-id: " + notification.collapse.substr(0, kCollapseMax));
  return headers;
}

Delivery apns_answer(const HttpAnswer& answer, WallTime registered, bool* token_expired) {
  if (answer.failure != HttpAnswer::Failure::none) return unanswered(answer);
  const auto body = body_json(answer);
  const auto word = error_word(member(body, "reason"));
  const auto reason = status_text(answer, word);
  if (answer.status == 200) return sent();
  if (word == "TooManyRequests") return of_target(retry(reason, answer));  // Apple's limit for one device
  if (answer.status == 429 || answer.status >= 500) return retry(reason, answer);
  const bool gone = answer.status == 410 && (word == "Unregistered" || word == "ExpiredToken");
  if (gone) return registered_after(body, registered) ? retry(reason) : target_dead(reason);
  if (word == "BadDeviceToken") return target_dead(reason);
  // Another app's token, or apns.topic is wrong: then all of them would be pruned.
  if (word == "DeviceTokenNotForTopic") return of_target(refused(reason));
  const bool our_topic = word == "BadTopic" || word == "TopicDisallowed" || word == "MissingTopic";
  if (token_expired) *token_expired = word == "ExpiredProviderToken";
  // No word of Apple's: there is something else at that address.
  if (answer.status == 401 || answer.status == 403 || our_topic || word.empty()) return misconfigured(reason);
  return refused(reason);
}

struct ApnsProvider::Sending {
  std::string url, payload;
  Notification notification;
  WallTime registered;
  Done done;
  bool again = false;  // a second time, with a new provider token
};

Result<std::unique_ptr<Provider>> ApnsProvider::make(ApnsOptions options, const Clock& clock) {
  options.client.http2_only = true;
  auto client = HttpClient::start(options.client, clock);
  if (!client) return std::unexpected(client.error());
  return std::unique_ptr<Provider>(new ApnsProvider(std::move(options), clock, *std::move(client)));
}

ApnsProvider::ApnsProvider(ApnsOptions options, const Clock& clock, std::unique_ptr<HttpClient> client)
    : options_(std::move(options)),
      token_(options_.key, options_.key_id, options_.team_id, clock),
      client_(std::move(client)) {}

ApnsProvider::~ApnsProvider() {
  client_->stop();  // what is under way ends while all else is still there
}

void ApnsProvider::send(const Notification& notification, const Registration& to, Done done) {
  if (!is_device_token(to.address)) return done(target_dead("It is no device token of Apple's"));
  auto payload = apns_payload(notification);
  if (payload.size() > kPayloadMax) return done(refused("It is too large for Apple"));
  const auto token = token_.get();
  if (!token) return done(misconfigured(token.error().message));
  const auto& server = is_of_sandbox(to) ? options_.sandbox_url : options_.url;
  post(std::make_shared<Sending>(Sending{server + "/3/device/" + to.address, std::move(payload), notification,
                                         to.at, std::move(done), false}),
       *token);
}

void ApnsProvider::post(std::shared_ptr<Sending> sending, const std::string& token) {
  client_->post({.url = sending->url,
                 .headers = apns_headers(sending->notification, options_.topic, token),
                 .body = sending->payload},
                [this, sending, token](const HttpAnswer& answer) {
                  bool expired = false;
                  auto delivery = apns_answer(answer, sending->registered, &expired);
                  const auto other = expired && !sending->again ? token_.instead_of(token) : std::nullopt;
                  if (!other) return sending->done(std::move(delivery));
                  sending->again = true;
                  post(sending, *other);
                });
}

}  // namespace parley::backend
