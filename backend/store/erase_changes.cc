#include "backend/store/erase_changes.h"

#include "backend/store/erase_rows.h"
#include "base/encoding.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

constexpr std::size_t kSaltChars = 32;
constexpr std::size_t kPseudonymChars = 16;

RoomEntry entry_of(const Erasure& erasure, std::uint64_t room_id, const std::string& action) {
  return {.from = erasure.pseudonym,
          .role = "",
          .type = "member",
          .content = "{\"action\":\"" + action + "\",\"user\":\"" + erasure.pseudonym + "\"}",
          .room_id = room_id};
}

}  // namespace

Erasure new_erasure(const std::string& user, const std::string& salt, WallTime now) {
  Erasure erasure{.pseudonym = "~" + random_id(kPseudonymChars), .user = user, .begun_at = now};
  erasure.salt = salt.empty() ? random_id(kSaltChars) : salt;
  erasure.digest = wire::name_digest(erasure.salt, user);
  return erasure;
}

wire::NameBlock name_block(const Erasure& erasure) {
  return {.salt = erasure.salt, .digest = erasure.digest};
}

RoomEntry left_entry(const Erasure& erasure, std::uint64_t room_id) {
  return entry_of(erasure, room_id, "left");
}

RoomEntry erased_entry(const Erasure& erasure, std::uint64_t room_id) {
  return entry_of(erasure, room_id, "erased");
}

Act act_of_erasing(const Act& act, const Erasure& erasure) {
  auto renamed = act;
  renamed.user = erasure.pseudonym;
  renamed.details = "{}";
  return renamed;
}

std::vector<std::uint64_t> rooms_of(const StepDraft& step) {
  std::vector<std::uint64_t> rooms;
  for (const auto& change : step.changes)
    if (const auto* member = std::get_if<wire::MemberPut>(&change)) rooms.push_back(member->room);
  return rooms;
}

std::optional<Act> act_without(const Act& act, const Erasure& erasure) {
  const auto of = only(erasure.user, erasure.pseudonym);
  auto after = act;
  if (of(act.user)) {
    after.user = erasure.pseudonym;
    after.details = "{}";
  }
  if (of(act.actor)) {
    after.actor = erasure.pseudonym;
    after.details = "{}";  // titles and labels of their own are in it
    after.device.clear();
    after.address.clear();
  }
  after.details = wire::replace_names(after.details, wire::NamesIn::whole_texts, of);
  after.details = wire::replace_names(after.details, wire::NamesIn::mentions, of);
  const bool same = after.user == act.user && after.actor == act.actor && after.details == act.details;
  return same ? std::nullopt : std::optional(std::move(after));
}

void replace_names_in(std::vector<wire::AppendEntry>& entries, const wire::Pseudonyms& of) {
  for (auto& entry : entries) {
    entry.from = of(entry.from).value_or(entry.from);
    entry.content = wire::replace_names(entry.content, wire::NamesIn::whole_texts, of);
  }
}

}  // namespace parley::backend
