#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/log.h"

namespace parley {

// One fact of a logged event. Names are short words of small letters (README, "Following one message"); empty texts are left out.
struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::uint64_t> value;
};

// "message stored id=01M8… room=lab seq=17 reason=\"two words\"": an event and its facts in one line of text. What is not a plain word stands in
// double quotes, escaped as in JSON.
std::string event_line(std::string_view event, std::span<const LogField> fields);

// Where events with facts go, beside the sentences of a LogSink: a JSON log has each fact as a member. Copied freely; thread-safe if its functions
// are. One made by the default constructor writes nowhere.
class EventLog {
 public:
  using Write = std::function<void(LogLevel level, std::string_view event, std::span<const LogField> fields)>;

  EventLog() = default;
  EventLog(std::function<bool(LogLevel)> wanted, Write write)
      : wanted_(std::move(wanted)), write_(std::move(write)) {}

  // Ask before facts are gathered: what is left out shall cost nothing.
  bool wanted(LogLevel level) const { return wanted_ && wanted_(level); }
  void operator()(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const {
    if (wanted(level)) write_(level, event, fields);
  }

 private:
  std::function<bool(LogLevel)> wanted_;
  Write write_;
};

}  // namespace parley
