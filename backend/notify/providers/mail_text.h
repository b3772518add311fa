#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "backend/notify/notification.h"
#include "base/result.h"

namespace parley::backend {

struct MailAddress {
  std::string name;     // "" : none
  std::string address;  // as it stands in an envelope
};

// Whether it can stand between < and >: printable ASCII, one @ with something before and behind it, none of the characters that mean
// something in a header, at most 254 bytes (RFC 5321 §4.5.3).
bool is_mail_address(std::string_view address);
// "address" or "Name <address>". invalid_argument: neither.
Result<MailAddress> parse_mail_address(std::string_view text);

// `text` as the words of a header: controls are blanks, what is not ASCII is encoded (RFC 2047) and folded. Never holds a line break but
// before a blank, so nothing in it begins a header.
std::string header_words(std::string_view text);

struct MailForm {
  MailAddress from;
  std::string to;
  std::string message_id;       // without < and >
  std::string unsubscribe_url;  // "": no List-Unsubscribe
  WallTime at;
};

// The mail (RFC 5322, CR LF): plain text and HTML of the same, UTF-8. A digest lists its rooms; of a wake-up it says only that there is
// something.
std::string mail_text(const Notification& notification, const MailForm& form);

}  // namespace parley::backend
