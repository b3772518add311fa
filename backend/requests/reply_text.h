#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/requests/request_context.h"
#include "backend/store/room_store.h"
#include "backend/store/user_store.h"
#include "wire/limits.h"
#include "wire/request.h"

namespace parley::backend {

// The forms of topics.md §4.
// As the requester may see it, who is `role` in it. peer: of a direct chat, the other one; "" is not told.
wire::Json room_json(const RequestContext& context, const Room& room, wire::Role role,
                     const std::string& peer = "");
wire::Json member_json(const std::string& room, const Member& member, WallTime now);
wire::Json user_json(const Account& account);
wire::Json token_json(const Token& token);
// For a room's own order and for inboxes.
std::string member_content(std::string_view action, const std::string& user, wire::Role role);
std::string room_content(std::string_view action, const std::string& title,
                         const std::optional<Retention>& retain = {});

// {"<name>":[…],"more":…}, one item at a time, ending before a reply gets too large.
class ListText {
 public:
  explicit ListText(std::string_view name, std::size_t bytes_max = wire::kReplyMax);
  // false: there is no place for this one any more.
  bool add(const wire::Json& item);
  std::string finish(bool more) &&;

 private:
  std::string text_;
  std::size_t bytes_max_;
  bool first_ = true;
};

// The first `limit` of `items` as a list; whatever is left makes it say "more". Ask a store for limit + 1.
template <class Item, class Form>
std::string list_text(std::string_view name, const std::vector<Item>& items, std::size_t limit, Form form) {
  ListText list(name);
  std::size_t taken = 0;
  while (taken < items.size() && taken < limit && list.add(form(items[taken]))) ++taken;
  return std::move(list).finish(taken < items.size());
}

// {"<name>":[…],"more":…} around texts of JSON; those after the first that no reply can hold are left out, and are more.
std::string list_of_texts(std::string_view name, std::span<const std::string> items, bool more);

// "[…]" around envelopes as they are stored.
std::string envelopes_text(std::span<const std::string> envelopes);

}  // namespace parley::backend
