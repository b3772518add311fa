#pragma once
#include <memory>
#include <optional>
#include <string>

#include "backend/notify/provider.h"
#include "backend/notify/providers/mail_client.h"
#include "backend/notify/providers/mail_text.h"
#include "backend/notify/providers/unsubscribe_token.h"

namespace parley::backend {

struct EmailOptions {
  MailAddress from;
  std::string unsubscribe_url{};  // "": no List-Unsubscribe
  std::string unsubscribe_key{};
  MailClientOptions client{};
};

Delivery mail_answer(const MailAnswer& answer);

// Mail by SMTP. Message-ID is made from the notification's id, so it is the same in each attempt. The registration's address is
// the recipient; its id stands behind the unsubscribe link.
class EmailProvider final : public Provider {
 public:
  static Result<std::unique_ptr<Provider>> make(EmailOptions options, const Clock& clock);

  std::string name() const override { return "email"; }
  void send(const Notification& notification, const Registration& to, Done done) override;
  std::size_t concurrency() const override { return options_.client.threads; }

 private:
  EmailProvider(EmailOptions options, const Clock& clock, std::unique_ptr<MailClient> client)
      : options_(std::move(options)),
        unsubscribe_(options_.unsubscribe_key),
        clock_(clock),
        client_(std::move(client)) {}

  const EmailOptions options_;
  const UnsubscribeToken unsubscribe_;
  const Clock& clock_;
  std::unique_ptr<MailClient> client_;
};

}  // namespace parley::backend
