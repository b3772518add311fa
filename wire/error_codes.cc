#include "wire/error_codes.h"

#include <array>

namespace parley::wire {
namespace {

// MQTT 5 §3.4.2.1: the reason codes a PUBACK may carry.
constexpr unsigned char kUnspecified = 0x80;
constexpr unsigned char kImplementationSpecific = 0x83;
constexpr unsigned char kNotAuthorized = 0x87;
constexpr unsigned char kTopicNameInvalid = 0x90;
constexpr unsigned char kQuotaExceeded = 0x97;
constexpr unsigned char kPayloadFormatInvalid = 0x99;

struct Row {
  Code code;
  std::string_view name;
  unsigned char mqtt;
  std::string_view sentence;
};

constexpr std::array kRows{
    Row{Code::malformed, "malformed", kPayloadFormatInvalid, "The payload is not what this topic takes."},
    Row{Code::empty, "empty", kPayloadFormatInvalid, "There is no content."},
    Row{Code::too_large, "too_large", kQuotaExceeded, "The content is larger than the limit."},
    Row{Code::too_deep, "too_deep", kPayloadFormatInvalid, "The content is nested too deep."},
    Row{Code::reserved_type, "reserved_type", kPayloadFormatInvalid, "Clients may not send this type."},
    Row{Code::invalid_name, "invalid_name", kTopicNameInvalid,
        "This is not a legal name: 1-64 of A-Z a-z 0-9 . _ @ -, the first a letter or digit."},
    Row{Code::invalid_argument, "invalid_argument", kPayloadFormatInvalid,
        "A parameter is missing or wrong."},
    Row{Code::unknown_method, "unknown_method", kTopicNameInvalid, "There is no such request."},
    Row{Code::not_a_member, "not_a_member", kNotAuthorized, "You are not a member of this room."},
    Row{Code::not_allowed, "not_allowed", kNotAuthorized, "You may not do this."},
    Row{Code::banned, "banned", kNotAuthorized, "You are banned from this room."},
    Row{Code::not_found, "not_found", kImplementationSpecific, "There is no such thing."},
    Row{Code::already_exists, "already_exists", kImplementationSpecific, "It exists already."},
    Row{Code::last_owner, "last_owner", kImplementationSpecific, "The room would be left without an owner."},
    Row{Code::disabled, "disabled", kNotAuthorized, "This account is disabled."},
    Row{Code::retain_not_allowed, "retain_not_allowed", kImplementationSpecific,
        "This topic takes no retained messages."},
    Row{Code::qos_not_allowed, "qos_not_allowed", kImplementationSpecific, "This topic takes QoS 0 alone."},
    Row{Code::above_last_seq, "above_last_seq", kPayloadFormatInvalid,
        "The room has no message of this number yet."},
    Row{Code::muted, "muted", kNotAuthorized, "You are muted in this room."},
    Row{Code::slow_mode, "slow_mode", kQuotaExceeded,
        "This room takes one message of yours every so often; wait a moment."},
    Row{Code::rate_limited, "rate_limited", kQuotaExceeded, "You are sending too fast; wait a moment."},
    Row{Code::backlog_full, "backlog_full", kQuotaExceeded,
        "The server holds as many unstored messages as it may; try again later."},
    Row{Code::unavailable, "unavailable", kImplementationSpecific,
        "The server can't do this just now; try again later."},
    Row{Code::timeout, "timeout", kUnspecified, "It was not done in time; nothing was changed."},
    Row{Code::in_doubt, "in_doubt", kUnspecified,
        "It may or may not have been done; look before you repeat it."},
    Row{Code::internal, "internal", kUnspecified, "Something is wrong on the server; its log says more."},
};

constexpr bool rows_follow_the_enum() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].code != static_cast<Code>(i)) return false;
  }
  return kRows.back().code == Code::internal;
}
static_assert(rows_follow_the_enum());

const Row& row(Code code) {
  return kRows[static_cast<std::size_t>(code)];
}

}  // namespace

std::string_view code_name(Code code) {
  return row(code).name;
}
std::string_view code_sentence(Code code) {
  return row(code).sentence;
}
unsigned char mqtt_reason(Code code) {
  return row(code).mqtt;
}

std::optional<Code> parse_code(std::string_view name) {
  for (const Row& r : kRows) {
    if (r.name == name) return r.code;
  }
  return std::nullopt;
}

Code code_of(Errc code) {
  switch (code) {
    case Errc::not_found:
      return Code::not_found;
    case Errc::already_exists:
      return Code::already_exists;
    case Errc::invalid_argument:
      return Code::invalid_argument;
    case Errc::permission_denied:
      return Code::not_allowed;
    case Errc::unavailable:
      return Code::unavailable;
    case Errc::timeout:
      return Code::timeout;
    case Errc::in_doubt:
      return Code::in_doubt;
    case Errc::corrupt:
    case Errc::internal:
      break;
  }
  return Code::internal;
}

}  // namespace parley::wire
