#include "backend/notify/providers/email_provider.h"

#include <utility>

#include "backend/notify/providers/answers.h"

namespace parley::backend {
namespace {

using Stage = MailAnswer::Stage;

std::string host_of(const std::string& address) {
  return address.substr(address.find('@') + 1);
}

std::string link(const std::string& url, const std::string& token) {
  return url + (url.find('?') == std::string::npos ? "?t=" : "&t=") + token;
}

}  // namespace

Delivery mail_answer(const MailAnswer& answer) {
  const auto reason = "SMTP " + std::to_string(answer.code);
  switch (answer.failure) {
    case MailAnswer::Failure::none:
      return sent();
    case MailAnswer::Failure::tls:
      return misconfigured(answer.error);
    case MailAnswer::Failure::lost:
    case MailAnswer::Failure::busy:
    case MailAnswer::Failure::internal:
      return retry(answer.error);
    case MailAnswer::Failure::answer:
      break;
  }
  if (answer.code < 500) return answer.stage == Stage::to ? of_target(retry(reason)) : retry(reason);
  // Until a recipient is named, all that was said no to is ours: login and sender.
  if (answer.stage != Stage::to && answer.stage != Stage::text) return misconfigured(reason);
  const bool nobody = answer.code == 550 || answer.code == 551 || answer.code == 553;
  if (answer.stage == Stage::to && nobody) return target_dead(reason);
  return answer.code == 530 || answer.code == 535 ? misconfigured(reason) : refused(reason);
}

Result<std::unique_ptr<Provider>> EmailProvider::make(EmailOptions options, const Clock& clock) {
  auto client = MailClient::start(options.client);
  if (!client) return std::unexpected(client.error());
  return std::unique_ptr<Provider>(new EmailProvider(std::move(options), clock, *std::move(client)));
}

void EmailProvider::send(const Notification& notification, const Registration& to, Done done) {
  if (!is_mail_address(to.address)) return done(target_dead("It is no mail address"));
  MailForm form{.from = options_.from,
                .to = to.address,
                .message_id = notification.id + "@" + host_of(options_.from.address),
                .unsubscribe_url = "",
                .at = clock_.wall()};
  if (!options_.unsubscribe_url.empty())
    form.unsubscribe_url = link(options_.unsubscribe_url, unsubscribe_.make(to.id));
  client_->send({.from = options_.from.address, .to = to.address, .text = mail_text(notification, form)},
                [done = std::move(done)](const MailAnswer& answer) { done(mail_answer(answer)); });
}

}  // namespace parley::backend
