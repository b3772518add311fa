#include "tools/parley-bench/population.h"

#include <algorithm>

#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr std::size_t kMembersAtOnce = 400;  // room.create takes 500

}  // namespace

Result<std::vector<Login>> create_users(ParleyServer& server, std::size_t first, std::size_t count) {
  std::vector<Call> users;
  std::vector<Call> tokens;
  for (auto i = first; i < first + count; ++i) {
    users.push_back({"user.create", {{"user", user_name(i)}}});
    tokens.push_back({"token.create", {{"user", user_name(i)}}});
  }
  PARLEY_TRY(server.request(users));
  const auto made = PARLEY_TRY(server.request(tokens));
  std::vector<Login> logins;
  for (std::size_t i = 0; i < count; ++i) {
    logins.push_back({.client_id = user_name(first + i) + "-bench",
                      .user = user_name(first + i),
                      .password = made[i].value("token", "")});
  }
  return logins;
}

Result<> create_rooms(ParleyServer& server, std::size_t rooms, std::size_t members) {
  auto at_once = wire::Json::object();
  for (std::size_t i = 0; i < std::min(members, kMembersAtOnce); ++i) at_once[user_name(i)] = "member";
  std::vector<Call> calls;
  for (std::size_t room = 0; room < rooms; ++room) {
    calls.push_back({"room.create", {{"room", room_name(room)}, {"members", at_once}}});
  }
  PARLEY_TRY(server.request(calls));
  calls.clear();
  for (std::size_t room = 0; room < rooms; ++room) {
    for (auto i = kMembersAtOnce; i < members; ++i)
      calls.push_back({"member.add", {{"room", room_name(room)}, {"user", user_name(i)}}});
  }
  PARLEY_TRY(server.request(calls));
  return {};
}

}  // namespace parley::bench
