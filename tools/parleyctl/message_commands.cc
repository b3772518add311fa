#include <chrono>
#include <iostream>
#include <iterator>

#include "base/ids.h"
#include "tools/parleyctl/commands.h"
#include "tools/parleyctl/history.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/topics.h"

namespace parley::ctl {
namespace {

struct Send {
  std::string room, ref;
  std::optional<std::string> text;
  bool json_content = false;
};

void declare_send(CLI::App& command, Send& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("TEXT", o.text, "The message; from stdin when left out or -");
  command.add_flag("--json-content", o.json_content, "TEXT is a JSON object, sent as it is");
  command.add_option("--ref", o.ref, "A mark of your own: the same mark again is the same message")
      ->type_name("REF");
  command.footer(
      "Only members of a room can send to it, administrators too. A text that begins with - stands behind "
      "--.\n"
      "Examples: parleyctl send lobby 'Lunch is ready'\n"
      "          uptime | parleyctl send ops\n"
      "          parleyctl send lobby --json-content '{\"type\":\"x.poll\",\"question\":\"Lunch?\"}'");
}

Outcome<std::string> text_to_send(const Send& o) {
  if (o.text && *o.text != "-") return *o.text;
  std::string text;
  char buffer[4096];
  while (std::cin.read(buffer, sizeof buffer) || std::cin.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > wire::kContentMaxLimit)
      return usage("The message is longer than any server takes (256 KiB).");
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

// The object that is published, with a ref.
Outcome<Json> content_to_send(const Send& o) {
  auto text = text_to_send(o);
  if (!text) return std::unexpected(text.error());
  Json content{{"text", *text}};
  if (o.json_content) {
    content = Json::parse(*text, nullptr, false);
    if (!content.is_object()) return usage("--json-content takes one JSON object.");
  }
  if (!o.ref.empty()) content["ref"] = o.ref;
  if (!content.contains("ref")) content["ref"] = "ctl-" + random_id(16);
  if (!content["ref"].is_string()) return usage("`ref` must be a string.");
  return content;
}

// The seq the broker tells for our ref: by our own envelope, or by a duplicate notice when it was there
// before.
std::optional<Json> told(const Incoming& message, const Session& session, const Send& o,
                         const std::string& ref) {
  const auto json = Json::parse(message.payload, nullptr, false);
  if (!json.is_object() || json.value("ref", Json()) != ref || json.value("room", Json()) != o.room)
    return std::nullopt;
  const auto& me = session.config().user;
  const bool mine = message.topic == wire::room_topic(wire::TopicKind::room_messages, o.room) &&
                    json.value("from", Json()) == me;
  const bool duplicate = message.topic == wire::user_topic(wire::TopicKind::user_inbox, me) &&
                         json.value("type", Json()) == "duplicate";
  if (!mine && !duplicate) return std::nullopt;
  Json result{{"room", o.room}, {"ref", ref}, {"seq", json.value("seq", std::uint64_t{0})}};
  if (duplicate) result["duplicate"] = true;
  return result;
}

void report(Context& context, const Json& sent) {
  const auto duplicate = sent.contains("duplicate") ? " (it was there before)" : "";
  context.done(sent, cell(sent, "room") + " " + cell(sent, "seq") + duplicate);
}

Outcome<> send(Context& context, const Send& o) {
  auto content = content_to_send(o);
  if (!content) return std::unexpected(content.error());
  if (!wire::valid_name(o.room)) return refused("invalid_name", "'" + o.room + "' is not a legal room name.");
  auto connected = context.session();
  if (!connected) return std::unexpected(connected.error());
  Session& session = **connected;
  const auto ref = (*content)["ref"].get<std::string>();
  // Not granted: then the publish below is refused too, and tells why.
  if (auto ok = session.subscribe(wire::room_topic(wire::TopicKind::room_messages, o.room));
      !ok && ok.error().exit == Exit::unreachable) {
    return ok;
  }
  auto ok = session.publish(wire::room_topic(wire::TopicKind::room_send, o.room),
                            content->dump(-1, ' ', false, Json::error_handler_t::replace), ref);
  if (!ok) return ok;
  const auto deadline = std::chrono::steady_clock::now() + session.config().timeout;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    auto message = session.receive(std::max(left, std::chrono::milliseconds{0}));
    if (!message) break;
    if (auto sent = told(*message, session, o, ref)) {
      report(context, *sent);
      return {};
    }
  }
  context.done({{"room", o.room}, {"ref", ref}, {"seq", nullptr}},
               o.room + ": accepted; its number was not told in time.");
  return {};
}

void declare_history(CLI::App& command, HistoryRange& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("--limit", o.limit, "How many, the newest; 50 when left out")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  auto* before = command.add_option("--before", o.before, "Of those before this number")->type_name("SEQ");
  command.add_option("--after", o.after, "The first ones after this number")
      ->type_name("SEQ")
      ->excludes(before);
  command.footer(
      "Oldest first.\nExamples: parleyctl history lobby\n"
      "          parleyctl history lobby --limit 1000000 --json > lobby.jsonl");
}

Outcome<> history(Context& context, const HistoryRange& o) {
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  return read_history(**session, o, [&](const Json& envelope) {
    if (context.json) {
      context.json_line(envelope);
    } else {
      context.out << format_message(envelope) << '\n';
    }
    return context.out.good();  // not when its reader has gone: `parleyctl history … | head`
  });
}

struct Delete {
  std::string room;
  std::uint64_t seq = 0;
};
void declare_delete(CLI::App& command, Delete& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("SEQ", o.seq, "The message's number, as `history` shows it")->required();
  command.footer("Moderators and administrators. What it said is gone for good; its number stays.");
}
Outcome<> erase(Context& context, const Delete& o) {
  auto result = context.call("message.delete", {{"room", o.room}, {"seq", o.seq}});
  if (!result) return std::unexpected(result.error());
  context.done(*result, "Message " + std::to_string(o.seq) + " of " + o.room + " deleted.");
  return {};
}

}  // namespace

void add_message_commands(CLI::App& app, Context& context) {
  add_command(app, context, "send", "Send a message; prints its number in the room", declare_send, send);
  add_command(app, context, "history", "Print a room's messages", declare_history, history);
  add_command(app, context, "delete", "Delete a message", declare_delete, erase);
}

}  // namespace parley::ctl
