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
  std::uint64_t reply_to = 0, thread = 0;  // 0: none
};
// A message that speaks of another.
struct About {
  std::string room, ref;
  std::uint64_t seq = 0;
  std::string text;  // of an edit; a reaction's key
  bool remove = false;
};
struct Thread {
  std::string room;
  std::uint64_t root = 0;
};

void declare_send(CLI::App& command, Send& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("TEXT", o.text, "The message; from stdin when left out or -");
  command.add_flag("--json-content", o.json_content, "TEXT is a JSON object, sent as it is");
  command.add_option("--ref", o.ref, "A mark of your own: the same mark again is the same message")
      ->type_name("REF");
  command.add_option("--reply-to", o.reply_to, "It answers this message")
      ->type_name("SEQ")
      ->check(CLI::PositiveNumber);
  command.add_option("--thread", o.thread, "It belongs to the thread of this message")
      ->type_name("SEQ")
      ->check(CLI::PositiveNumber);
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
  if (o.reply_to > 0) content["reply_to"] = o.reply_to;
  if (o.thread > 0) content["thread"] = o.thread;
  if (!o.ref.empty()) content["ref"] = o.ref;
  if (!content.contains("ref")) content["ref"] = "ctl-" + random_id(16);
  if (!content["ref"].is_string()) return usage("`ref` must be a string.");
  return content;
}

// The seq the broker tells for our ref: by our own envelope, or by a duplicate notice when it was there
// before.
std::optional<Json> told(const Incoming& message, const Session& session, const std::string& room,
                         const std::string& ref) {
  const auto json = Json::parse(message.payload, nullptr, false);
  if (!json.is_object() || json.value("ref", Json()) != ref || json.value("room", Json()) != room)
    return std::nullopt;
  const auto& me = session.config().user;
  const bool mine = message.topic == wire::room_topic(wire::TopicKind::room_messages, room) &&
                    json.value("from", Json()) == me;
  const bool duplicate = message.topic == wire::user_topic(wire::TopicKind::user_inbox, me) &&
                         json.value("type", Json()) == "duplicate";
  if (!mine && !duplicate) return std::nullopt;
  Json result{{"room", room}, {"ref", ref}, {"seq", json.value("seq", std::uint64_t{0})}};
  if (duplicate) result["duplicate"] = true;
  return result;
}

void report(Context& context, const Json& sent) {
  const auto duplicate = sent.contains("duplicate") ? " (it was there before)" : "";
  context.done(sent, cell(sent, "room") + " " + cell(sent, "seq") + duplicate);
}

// Waits for the number it gets.
Outcome<> publish(Context& context, const std::string& room, const Json& content) {
  if (!wire::valid_name(room)) return refused("invalid_name", "'" + room + "' is not a legal room name.");
  auto connected = context.session();
  if (!connected) return std::unexpected(connected.error());
  Session& session = **connected;
  const auto ref = content["ref"].get<std::string>();
  // Not granted: then the publish below is refused too, and tells why.
  if (auto ok = session.subscribe(wire::room_topic(wire::TopicKind::room_messages, room));
      !ok && ok.error().exit == Exit::unreachable) {
    return ok;
  }
  auto ok = session.publish(wire::room_topic(wire::TopicKind::room_send, room),
                            content.dump(-1, ' ', false, Json::error_handler_t::replace), ref);
  if (!ok) return ok;
  const auto deadline = std::chrono::steady_clock::now() + session.config().timeout;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    auto message = session.receive(std::max(left, std::chrono::milliseconds{0}));
    if (!message) break;
    if (auto sent = told(*message, session, room, ref)) {
      report(context, *sent);
      return {};
    }
  }
  context.done({{"room", room}, {"ref", ref}, {"seq", nullptr}},
               room + ": accepted; its number was not told in time.");
  return {};
}

Outcome<> send(Context& context, const Send& o) {
  auto content = content_to_send(o);
  if (!content) return std::unexpected(content.error());
  return publish(context, o.room, *content);
}

void declare_about(CLI::App& command, About& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("SEQ", o.seq, "The message's number")->required()->check(CLI::PositiveNumber);
  command.add_option("--ref", o.ref, "A mark of your own: the same mark again is the same entry")
      ->type_name("REF");
}

Outcome<> speak_of(Context& context, const About& o, const char* type, Json content) {
  content["type"] = type;
  content["target"] = o.seq;
  content["ref"] = o.ref.empty() ? "ctl-" + random_id(16) : o.ref;
  return publish(context, o.room, content);
}

void declare_edit(CLI::App& command, About& o) {
  declare_about(command, o);
  command.add_option("TEXT", o.text, "What is to stand there instead")->required();
  command.footer("Only a message of your own.\nExample: parleyctl message edit lobby 17 'Lunch at one'");
}
Outcome<> edit(Context& context, const About& o) {
  return speak_of(context, o, "edit", {{"text", o.text}});
}

void declare_delete(CLI::App& command, About& o) {
  declare_about(command, o);
  command.footer(
      "A message of your own, or any as a moderator or owner of the room. Its content is gone for good; its "
      "number "
      "stays.\nExample: parleyctl message delete lobby 17");
}
Outcome<> remove(Context& context, const About& o) {
  return speak_of(context, o, "delete", Json::object());
}

void declare_react(CLI::App& command, About& o) {
  declare_about(command, o);
  command.add_option("KEY", o.text, "An emoji, or any word of at most 64 bytes")->required();
  command.add_flag("--remove", o.remove, "Take it back");
  command.footer("Example: parleyctl message react lobby 17 👍");
}
Outcome<> react(Context& context, const About& o) {
  Json content{{"key", o.text}};
  if (o.remove) content["remove"] = true;
  return speak_of(context, o, "reaction", std::move(content));
}

void declare_thread(CLI::App& command, Thread& o) {
  command.add_option("ROOM", o.room, "The room")->required();
  command.add_option("SEQ", o.root, "The message the thread began with")
      ->required()
      ->check(CLI::PositiveNumber);
  command.footer("Oldest first.\nExample: parleyctl thread lobby 17");
}

void print(Context& context, const Json& envelope) {
  if (context.json) {
    context.json_line(envelope);
  } else {
    context.out << format_message(envelope) << '\n';
  }
}

Outcome<> thread(Context& context, const Thread& o) {
  auto session = context.session();
  if (!session) return std::unexpected(session.error());
  std::uint64_t after = 0;
  for (bool more = true; more && context.out.good();) {
    auto page = (*session)->call(
        "thread",
        {{"room", o.room}, {"thread", o.root}, {"after", after}, {"limit", wire::kHistoryLimitMax}});
    if (!page) return std::unexpected(page.error());
    more = page->value("more", false);
    const auto before = after;
    for (const auto& message : page->value("messages", Json::array())) {
      print(context, message);
      after = std::max(after, message.value("seq", std::uint64_t{0}));
    }
    if (after == before) break;
  }
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
    print(context, envelope);
    return context.out.good();  // not when its reader has gone: `parleyctl history … | head`
  });
}

struct Delete {
  std::string room;
  std::uint64_t seq = 0;
};
void declare_erase(CLI::App& command, Delete& o) {
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
  add_command(app, context, "thread", "Print a message and the replies in its thread", declare_thread,
              thread);
  auto* message = add_group(app, "message", "Edit, delete, react to a message");
  add_command(*message, context, "edit", "Put another text in a message's place", declare_edit, edit);
  add_command(*message, context, "delete", "Take a message's content away for good", declare_delete, remove);
  add_command(*message, context, "remove", "Delete anybody's message, as a moderator or administrator",
              declare_erase, erase);
  add_command(*message, context, "react", "React to a message", declare_react, react);
}

}  // namespace parley::ctl
