#pragma once
#include <string>
#include <string_view>

namespace parley::backend {

// The name of the one direct chat of two users, whichever is given first and in whatever case: "dm-" and 32
// hexadecimal digits of a hash of both names.
std::string direct_room_name(std::string_view one, std::string_view other);
// Has a name that form, in any case? Such names are for direct chats alone.
bool is_direct_room_name(std::string_view name);

}  // namespace parley::backend
