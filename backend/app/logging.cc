#include "backend/app/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "base/encoding.h"

namespace parley::backend {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

constexpr const char* kText = "%Y-%m-%dT%H:%M:%S.%eZ %l: %v";
constexpr const char* kJson = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

// One line whatever is in it: names and reasons in it may come from outside.
std::string escaped(std::string_view line) {
  std::string out;
  append_json_escaped(out, repair_utf8(line));
  return out;
}

std::string quoted(std::string_view text) {
  return '"' + escaped(text) + '"';
}

// The members of a line's object behind time and level.
std::string members(std::string_view message, std::span<const LogField> fields) {
  std::string out = "\"message\":" + quoted(message);
  for (const auto& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    if (text && text->empty()) continue;
    out += ',' + quoted(field.name) + ':' +
           (text ? quoted(*text) : std::to_string(std::get<std::uint64_t>(field.value)));
  }
  return out;
}

std::string without_controls(std::string_view line) {
  std::string out(line);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

}  // namespace

Log::Log(LogLevel level, LogFormat format)
    : logger_(std::make_shared<spdlog::logger>("parleyd", std::make_shared<spdlog::sinks::stderr_sink_mt>())),
      json_(format == LogFormat::json) {
  logger_->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(json_ ? kJson : kText, spdlog::pattern_time_type::utc));
  logger_->flush_on(spdlog::level::trace);
  set_level(level);
}

void Log::set_level(LogLevel level) {
  logger_->set_level(to_spdlog(level));
}

LogSink Log::sink() const {
  return [logger = logger_, json = json_](LogLevel at, std::string_view line) {
    if (!logger->should_log(to_spdlog(at))) return;
    const auto text = json ? members(line, {}) : without_controls(line);
    logger->log(to_spdlog(at), spdlog::string_view_t(text.data(), text.size()));
  };
}

EventLog Log::events() const {
  return {[logger = logger_](LogLevel at) { return logger->should_log(to_spdlog(at)); },
          [logger = logger_, json = json_](LogLevel at, std::string_view event,
                                           std::span<const LogField> fields) {
            const auto text = json ? members(event, fields) : event_line(event, fields);
            logger->log(to_spdlog(at), spdlog::string_view_t(text.data(), text.size()));
          }};
}

}  // namespace parley::backend
