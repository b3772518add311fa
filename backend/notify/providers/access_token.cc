#include "backend/notify/providers/access_token.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "backend/notify/providers/answers.h"
#include "base/file.h"

namespace parley::backend {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr auto kScope = "https://www.googleapis.com/auth/firebase.messaging";
constexpr seconds kAssertionLife{3'600}, kTokenLifeMax{24 * 3'600}, kMarginMax{300};
constexpr std::size_t kTokenMax = 8 * 1024;  // bytes; it goes into a header

std::string text_of(const Json& json, const char* name) {
  const auto* text = member(json, name).get_ptr<const std::string*>();
  return text ? *text : std::string();
}

bool fits_a_header(const std::string& token) {
  return !token.empty() && token.size() <= kTokenMax &&
         std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7F; });
}

Result<std::string> assertion(const ServiceAccount& account, WallTime now) {
  const auto now_s = std::chrono::floor<seconds>(now.time_since_epoch());
  Json header{{"typ", "JWT"}};
  if (!account.key_id.empty()) header["kid"] = account.key_id;
  return sign_jwt(account.key, header,
                  {{"iss", account.client_email},
                   {"scope", kScope},
                   {"aud", account.token_uri},
                   {"iat", now_s.count()},
                   {"exp", (now_s + kAssertionLife).count()}});
}

}  // namespace

Result<ServiceAccount> read_service_account(const std::string& path) {
  const auto text = read_secret_file(path);
  if (!text) return std::unexpected(text.error());
  const auto json = Json::parse(*text, nullptr, false);
  for (const auto* name : {"client_email", "token_uri", "project_id", "private_key"})
    if (text_of(json, name).empty())
      return fail(Errc::invalid_argument,
                  path + ": it is not a service account's JSON file: there is no " + name + ".");
  if (!text_of(json, "token_uri").starts_with("https://"))
    return fail(Errc::invalid_argument, path + ": token_uri must begin with https://.");
  auto key = PrivateKey::from_pem(text_of(json, "private_key"), PrivateKey::Kind::rsa);
  if (!key) return fail(key.error().code, path + ": private_key: " + key.error().message + ".");
  return ServiceAccount{text_of(json, "client_email"), text_of(json, "token_uri"),
                        text_of(json, "project_id"), text_of(json, "private_key_id"), *std::move(key)};
}

std::expected<GrantedToken, Delivery> parse_token_answer(const HttpAnswer& answer) {
  if (answer.failure != HttpAnswer::Failure::none) return std::unexpected(unanswered(answer));
  const auto json = body_json(answer);
  if (answer.status == 429 || answer.status >= 500)
    return std::unexpected(retry("The token endpoint answered " + status_text(answer), answer));
  if (answer.status != 200)
    return std::unexpected(misconfigured("The token endpoint answered " +
                                         status_text(answer, error_word(member(json, "error")))));
  const auto token = text_of(json, "access_token");
  const auto& life = member(json, "expires_in");
  if (!fits_a_header(token) || !life.is_number_unsigned())
    return std::unexpected(retry("The token endpoint answered with no token"));
  const auto seconds_max = static_cast<std::uint64_t>(kTokenLifeMax.count());
  return GrantedToken{token, seconds(std::min(life.get<std::uint64_t>(), seconds_max))};
}

void AccessToken::get(Got got) {
  bool first = false;
  {
    std::unique_lock lock(mutex_);
    if (!token_.empty() && clock_.steady() < until_) {
      Token token = token_;
      lock.unlock();
      return got(std::move(token));
    }
    first = waiting_.empty();
    waiting_.push_back(std::move(got));
  }
  if (first) ask();
}

void AccessToken::forget(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (token == token_) token_.clear();
}

void AccessToken::ask() {
  const auto signed_by_us = assertion(account_, clock_.wall());
  if (!signed_by_us) return take(std::unexpected(misconfigured(signed_by_us.error().message)));
  client_.post(
      {.url = account_.token_uri,
       .headers = {"Content-Type: application/x-www-form-urlencoded"},
       .body = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + *signed_by_us},
      [this](const HttpAnswer& answer) { take(parse_token_answer(answer)); });
}

void AccessToken::take(std::expected<GrantedToken, Delivery> granted) {
  std::vector<Got> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
    if (granted) {
      token_ = granted->token;
      until_ = clock_.steady() + granted->lifetime - std::min(kMarginMax, granted->lifetime / 4);
    }
  }
  for (const auto& got : waiting)
    got(granted ? Token(granted->token) : Token(std::unexpected(granted.error())));
}

}  // namespace parley::backend
