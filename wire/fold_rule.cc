#include "wire/fold_rule.h"

namespace parley::wire {
namespace {

bool may_speak_of(const Entry& entry, const Target& target) {
  if (!target.message || target.seq >= entry.seq) return false;
  if (entry.type == "reaction") return !entry.key.empty() && entry.key.size() <= kReactionKeyMax;
  if (entry.type == "edit") return entry.from == target.from;
  return entry.type == "delete" && (entry.from == target.from || entry.role >= Role::moderator);
}

}  // namespace

bool counts(const Entry& entry, const Target& target) {
  return may_speak_of(entry, target) && target.deletion.seq == 0;
}

bool came_too_late(const Entry& entry, const Target& target) {
  return (entry.type == "edit" || entry.type == "reaction") && target.message && target.seq < entry.seq &&
         target.deletion.seq != 0;
}

bool is_reply(const Entry& entry, const Target& root) {
  return entry.message() && root.message && root.thread == 0 && root.seq < entry.seq;
}

bool names_expired_thread(const Entry& entry, std::uint64_t expired) {
  return entry.message() && entry.thread > 0 && entry.thread <= expired;
}

std::string erased(std::string_view envelope, const Deletion& deletion, std::uint64_t thread) {
  return std::string(envelope.substr(0, content_at(envelope))) +
         "{},\"deleted\":" + deletion_text(deletion, thread) + "}";
}

std::string deletion_text(const Deletion& deletion, std::uint64_t thread) {
  std::string text = "{\"seq\":" + std::to_string(deletion.seq) +
                     ",\"at\":" + std::to_string(deletion.at_ms) + ",\"by\":\"" + deletion.by + "\"";
  if (thread > 0) text += ",\"thread\":" + std::to_string(thread);
  return text + "}";
}

}  // namespace parley::wire
