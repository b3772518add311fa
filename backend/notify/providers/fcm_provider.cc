#include "backend/notify/providers/fcm_provider.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "backend/notify/providers/answers.h"
#include "backend/notify/providers/notification_json.h"

namespace parley::backend {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMessageMax = 4'096;  // bytes
constexpr seconds kTtlMax{28 * 86'400};     // FCM's

Json data_of(const Notification& notification) {
  Json data{
      {"id", notification.id}, {"kind", kind_name(notification.kind)}, {"collapse", notification.collapse}};
  if (!notification.room.empty()) data["room"] = notification.room;
  if (notification.seq) data["seq"] = std::to_string(notification.seq);
  if (notification.count) data["count"] = std::to_string(notification.count);
  if (notification.badge) data["badge"] = std::to_string(notification.badge);
  return data;
}

Json message_json(const Notification& notification, const std::string& token, WallTime now) {
  const auto life = std::chrono::floor<seconds>(notification.expires - now);
  const auto text = shown(notification);
  const bool shows = notification.kind != Notification::Kind::withdrawn && !text.body.empty();
  // What is updated or withdrawn was told of before: no reason to wake a sleeping phone.
  const bool urgent = notification.kind == Notification::Kind::message;
  Json message{{"token", token},
               {"data", data_of(notification)},
               {"android",
                {{"collapse_key", notification.collapse},
                 {"priority", urgent ? "HIGH" : "NORMAL"},
                 {"ttl", std::to_string(std::clamp(life, seconds(0), kTtlMax).count()) + "s"}}}};
  if (shows) {
    message["notification"] = {{"title", text.title}, {"body", text.body}};
    message["android"]["notification"] = {{"tag", notification.collapse}};  // a newer one takes its place
  }
  return {{"message", std::move(message)}};
}

// FcmError::errorCode (of google.firebase.fcm.v1), "" when there is none.
std::string error_code(const Json& error) {
  const auto& details = member(error, "details");
  if (!details.is_array()) return {};
  for (const auto& detail : details)
    if (auto code = error_word(member(detail, "errorCode")); !code.empty()) return code;
  return {};
}

// Whether what was wrong with the request is its token (google.rpc.BadRequest).
bool blames_token(const Json& error) {
  const auto& details = member(error, "details");
  if (!details.is_array()) return false;
  for (const auto& detail : details) {
    const auto& violations = member(detail, "fieldViolations");
    if (!violations.is_array()) continue;
    for (const auto& violation : violations)
      if (member(violation, "field") == "message.token") return true;
  }
  return false;
}

}  // namespace

std::string fcm_message(const Notification& notification, const std::string& token, WallTime now) {
  // The token does not count towards the limit.
  return encode_within(notification, kMessageMax + token.size(),
                       [&](const Notification& n) { return dump(message_json(n, token, now)); });
}

Delivery fcm_answer(const HttpAnswer& answer, bool* token_refused) {
  if (answer.failure != HttpAnswer::Failure::none) return unanswered(answer);
  const auto body = body_json(answer);
  if (answer.status == 200)
    return member(body, "name").is_string() ? sent() : retry("HTTP 200, but not as FCM answers");
  const auto& error = member(body, "error");
  const auto code = error_code(error);
  const auto reason = status_text(answer, code.empty() ? error_word(member(error, "status")) : code);
  if (code == "UNREGISTERED") return target_dead(reason);
  // With another project's key in place, every device's token would be answered so: nothing is pruned for it.
  if (code == "SENDER_ID_MISMATCH") return refused(reason);
  if (answer.status == 429 || answer.status >= 500 || answer.status == 408) return retry(reason, answer);
  if (answer.status == 400) return blames_token(error) ? target_dead(reason) : refused(reason);
  if (answer.status == 413) return refused(reason);
  if (token_refused) *token_refused = answer.status == 401 && code != "THIRD_PARTY_AUTH_ERROR";
  return misconfigured(reason);
}

struct FcmProvider::Sending {
  Notification notification;
  std::string address;
  Done done;
  SteadyTime since;
  bool again = false;  // a second time, with a new access token
};

Result<std::unique_ptr<Provider>> FcmProvider::make(FcmOptions options, const Clock& clock) {
  const auto concurrency = options.client.in_flight_max;
  options.client.in_flight_max = concurrency + 1;  // the access token's
  auto client = HttpClient::start(options.client, clock);
  if (!client) return std::unexpected(client.error());
  return std::unique_ptr<Provider>(
      new FcmProvider(std::move(options), clock, concurrency, *std::move(client)));
}

FcmProvider::FcmProvider(FcmOptions options, const Clock& clock, std::size_t concurrency,
                         std::unique_ptr<HttpClient> client)
    : options_(std::move(options)),
      clock_(clock),
      concurrency_(concurrency),
      url_(options_.url + "/v1/projects/" + options_.account.project_id + "/messages:send"),
      client_(std::move(client)),
      token_(std::make_unique<AccessToken>(options_.account, *client_, clock)) {}

FcmProvider::~FcmProvider() {
  client_->stop();  // what is under way ends while the access token, which it asks, is still there
}

void FcmProvider::send(const Notification& notification, const Registration& to, Done done) {
  begin(
      std::make_shared<Sending>(Sending{notification, to.address, std::move(done), clock_.steady(), false}));
}

void FcmProvider::begin(std::shared_ptr<Sending> sending) {
  token_->get([this, sending = std::move(sending)](const AccessToken::Token& token) {
    if (token)
      post(sending, *token);
    else
      sending->done(token.error());
  });
}

void FcmProvider::post(std::shared_ptr<Sending> sending, const std::string& token) {
  const auto used = std::chrono::floor<milliseconds>(clock_.steady() - sending->since);
  const auto left = options_.client.transfer.timeout - used;
  if (left <= milliseconds(0)) return sending->done(retry("There was no access token in time"));
  HttpRequest request{.url = url_,
                      .headers = {"Content-Type: application/json", "Authorization: Bearer " + token},
                      .body = fcm_message(sending->notification, sending->address, clock_.wall()),
                      .timeout = left};
  client_->post(std::move(request), [this, sending, token](const HttpAnswer& answer) {
    bool token_refused = false;
    auto delivery = fcm_answer(answer, &token_refused);
    if (!token_refused || sending->again) return sending->done(std::move(delivery));
    token_->forget(token);
    sending->again = true;
    sending->since = clock_.steady();
    begin(sending);
  });
}

}  // namespace parley::backend
