#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "backend/notify/providers/apns_provider.h"
#include "backend/notify/providers/email_provider.h"
#include "backend/notify/providers/fcm_provider.h"
#include "backend/notify/providers/mail_text.h"
#include "backend/notify/providers/web_push_encryption.h"
#include "backend/notify/providers/web_push_provider.h"
#include "backend/notify/providers/webhook_provider.h"
#include "base/encoding.h"

// Any bytes: the first two are a status, the rest is what a provider answers (and what a user registers as endpoint and keys, and
// is called). Reasons never repeat an answer, waits have a bound, and nobody is told to be sent by what is no answer.
namespace {

using namespace parley;
using namespace parley::backend;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const Delivery& delivery, int status) {
  require(delivery.reason.size() <= 160);
  for (const char c : delivery.reason) require(c >= ' ' && c < 0x7F);
  require(delivery.after >= std::chrono::milliseconds(0) && delivery.after <= kRetryAfterMax);
  if (delivery.what == Delivery::What::sent) require(status >= 200 && status < 300);
}

void try_answer(int status, const std::string& body, WallTime now) {
  const HttpAnswer answer{.status = status, .body = body, .retry_after = parse_retry_after(body, now)};
  bool again = false;
  check(fcm_answer(answer, &again), status);
  require(!again || status == 401);
  check(apns_answer(answer, now, &again), status);
  check(web_push_answer(answer), status);
  check(webhook_answer(answer), status);
  const auto token = parse_token_answer(answer);
  require(token ? !token->token.empty() && token->lifetime >= std::chrono::seconds(0)
                : token.error().what != Delivery::What::sent);
}

void try_names(const std::string& text) {
  (void)parse_web_push_keys(text);
  require(origin_of(text).empty() || origin_of(text).starts_with("https://"));
  const auto words = header_words(text);
  for (std::size_t at = 0; (at = words.find('\n', at)) != std::string::npos; ++at)
    require(at > 0 && words[at - 1] == '\r' && at + 1 < words.size() && words[at + 1] == ' ');
  if (is_mail_address(text)) require(text.find_first_of("\r\n <>") == std::string::npos);
  (void)UnsubscribeToken("secret").registration(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const int status = (data[0] << 8 | data[1]) % 600;
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  try_answer(status, text, from_ms(1'795'314'673'123));
  try_names(text);
  return 0;
}
