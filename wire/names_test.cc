#include "wire/names.h"

#include <gtest/gtest.h>

#include <string>

namespace parley::wire {
namespace {

TEST(Names, letters_digits_and_four_signs_are_legal) {
  for (const char* name : {"a", "Z", "7", "alice", "a.b_c@d-e", "user@example.org", "0..", "A-"}) {
    EXPECT_TRUE(valid_name(name)) << name;
  }
}

TEST(Names, first_character_is_a_letter_or_digit) {
  for (const char* name : {"", ".a", "_a", "@a", "-a", "$parleyd"}) EXPECT_FALSE(valid_name(name)) << name;
}

TEST(Names, other_bytes_are_illegal_anywhere) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool sign = c == '.' || c == '_' || c == '@' || c == '-';
    EXPECT_EQ(valid_name(std::string(1, byte)), alnum) << c;
    EXPECT_EQ(valid_name(std::string("a") + byte + "b"), alnum || sign) << c;
  }
}

TEST(Names, sixty_four_characters_are_legal_and_one_more_is_not) {
  EXPECT_TRUE(valid_name(std::string(64, 'x')));
  EXPECT_FALSE(valid_name(std::string(65, 'x')));
}

TEST(Names, the_backends_own_name_is_no_legal_one) {
  EXPECT_FALSE(valid_name(kBackendUser));
}

TEST(Names, roles_and_kinds_read_back_as_written) {
  for (Role role : {Role::none, Role::reader, Role::member, Role::moderator, Role::owner}) {
    EXPECT_EQ(parse_role(role_name(role)), role);
  }
  EXPECT_EQ(parse_role("Owner"), Role::none);
  for (RoomKind kind : {RoomKind::group, RoomKind::direct, RoomKind::channel}) {
    RoomKind out = kind == RoomKind::group ? RoomKind::channel : RoomKind::group;
    EXPECT_TRUE(parse_kind(kind_name(kind), out));
    EXPECT_EQ(out, kind);
  }
  RoomKind untouched = RoomKind::direct;
  EXPECT_FALSE(parse_kind("", untouched));
  EXPECT_EQ(untouched, RoomKind::direct);
}

TEST(Names, readers_never_send_and_in_a_channel_only_those_who_moderate) {
  for (RoomKind kind : {RoomKind::group, RoomKind::direct}) {
    EXPECT_FALSE(may_send(Role::none, kind));
    EXPECT_FALSE(may_send(Role::reader, kind));
    EXPECT_TRUE(may_send(Role::member, kind));
    EXPECT_TRUE(may_send(Role::owner, kind));
  }
  EXPECT_FALSE(may_send(Role::member, RoomKind::channel));
  EXPECT_TRUE(may_send(Role::moderator, RoomKind::channel));
  EXPECT_TRUE(may_send(Role::owner, RoomKind::channel));
}

}  // namespace
}  // namespace parley::wire
