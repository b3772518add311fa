#include "backend/store/postgres_address.h"

#include <gmock/gmock.h>

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

TEST(PostgresAddress, a_url_is_taken_apart) {
  auto address = parse_postgres_url("postgresql://parley:p%2Fw@db.example:5433/chat?sslmode=verify-full");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->hosts, "db.example");
  EXPECT_EQ(address->ports, "5433");
  EXPECT_EQ(address->user, "parley");
  EXPECT_EQ(address->password, "p/w");
  EXPECT_EQ(address->database, "chat");
  EXPECT_THAT(address->options, ElementsAre(Pair("sslmode", "verify-full")));
}

TEST(PostgresAddress, several_hosts_keep_their_ports) {
  auto address =
      parse_postgres_url("postgres://u@one:6001,two,[::1]:6003/chat?target_session_attrs=read-write");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->hosts, "one,two,::1");
  EXPECT_EQ(address->ports, "6001,5432,6003");
  EXPECT_THAT(address->conninfo(), HasSubstr("target_session_attrs='read-write'"));
}

TEST(PostgresAddress, no_host_is_the_local_socket) {
  auto address = parse_postgres_url("postgresql:///chat");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->hosts, "");
  EXPECT_EQ(address->conninfo(), "dbname='chat'");
}

TEST(PostgresAddress, a_socket_folder_is_a_host_with_escaped_slashes) {
  EXPECT_EQ(parse_postgres_url("postgresql://u@%2Frun%2Fpostgresql/chat")->hosts, "/run/postgresql");
}

TEST(PostgresAddress, values_are_quoted_for_libpq) {
  auto address = parse_postgres_url("postgresql://u:it's%5Chere@db/chat");
  EXPECT_THAT(address->conninfo(), HasSubstr(R"(password='it\'s\\here')"));
}

TEST(PostgresAddress, what_is_shown_holds_no_password) {
  auto address = parse_postgres_url("postgresql://u:hush@one:1,two:2/chat?sslmode=require");
  EXPECT_EQ(address->shown(), "postgresql://u@one:1,two:2/chat");
}

TEST(PostgresAddress, what_is_wrong_is_told_without_the_url) {
  for (const char* url : {"mysql://u:hush@db/chat", "postgresql://u:hush@db:0/chat", "postgresql://u:hush@db",
                          "postgresql://u:hush@db:x/chat", "postgresql://u:hush%4@db/chat",
                          "postgresql://u:hush@db/chat?hush=hush", "postgresql://u:hush%00@db/chat"}) {
    auto address = parse_postgres_url(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().code, Errc::invalid_argument);
    EXPECT_THAT(address.error().message, Not(HasSubstr("hush")));
  }
}

}  // namespace
}  // namespace parley::backend
