#include "backend/config/store_config.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/ids.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kWithPassword = "postgresql://parley:hush%40hush@db.example:5433/chat";

class StoreConfig : public testing::Test {
 protected:
  StoreConfig() { std::filesystem::create_directory(folder_); }
  ~StoreConfig() override {
    ::unsetenv("PARLEY_STORE_PASSWORD");
    std::filesystem::remove_all(folder_);
  }
  std::string file(const std::string& name, const std::string& text, mode_t mode) {
    auto path = (folder_ / name).string();
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  static ConfigErrors errors(const std::expected<Config, ConfigErrors>& config) {
    return config ? ConfigErrors{} : config.error();
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("parley-config-" + random_id(12));
};

TEST_F(StoreConfig, an_sqlite_path_is_given_with_or_without_its_scheme) {
  EXPECT_EQ(sqlite_path("sqlite:///var/lib/x.db"), "/var/lib/x.db");
  EXPECT_EQ(sqlite_path("sqlite://x.db"), "x.db");
  EXPECT_EQ(sqlite_path("/srv/x.db"), "/srv/x.db");
  EXPECT_FALSE(sqlite_path("sqlite://"));
}

TEST_F(StoreConfig, another_kind_of_store_is_told_what_is_expected) {
  EXPECT_THAT(errors(parse_config("store = \"mysql://u:hush@db/x\"", "f")),
              ElementsAre(AllOf(HasSubstr("postgresql://user@host:port/database"), Not(HasSubstr("hush")))));
}

TEST_F(StoreConfig, a_bad_url_is_told_without_showing_it) {
  for (const char* url :
       {"postgresql://u:hush@db:99999/x", "postgresql://u:hush@db:5432", "postgresql://u:hush%zz@db/x",
        "postgresql://u@db/x?password=hush", "postgresql://u@db/x?hush=1", "postgresql://u:hush@[::1/x"}) {
    EXPECT_THAT(errors(parse_config("store = \"" + std::string(url) + "\"", "f")),
                ElementsAre(AllOf(HasSubstr("store: "), Not(HasSubstr("hush")))))
        << url;
  }
}

TEST_F(StoreConfig, the_password_comes_from_the_environment_then_the_file_then_the_url) {
  Config config{.store = kWithPassword};
  EXPECT_EQ(postgres_store(config)->main.password, "hush@hush");
  config.store_password_file = file("secret", "from a file\n", 0600);
  EXPECT_EQ(postgres_store(config)->main.password, "from a file");
  ::setenv("PARLEY_STORE_PASSWORD", "from outside", 1);
  EXPECT_EQ(postgres_store(config)->main.password, "from outside");
}

TEST_F(StoreConfig, a_password_file_others_may_read_is_refused) {
  Config config{.store = "postgresql://parley@db/chat", .store_password_file = file("secret", "x", 0644)};
  EXPECT_EQ(postgres_store(config).error().code, Errc::permission_denied);
}

TEST_F(StoreConfig, a_password_in_the_url_needs_a_file_others_can_not_read) {
  auto text = "store = \"" + std::string(kWithPassword) + "\"\n";
  EXPECT_TRUE(load_config(file("private.toml", text, 0640)));
  EXPECT_THAT(errors(load_config(file("public.toml", text, 0644))),
              ElementsAre(AllOf(HasSubstr("PARLEY_STORE_PASSWORD"), Not(HasSubstr("hush")))));
  EXPECT_TRUE(load_config(file("none.toml", "store = \"postgresql://parley@db/chat\"\n", 0644)));
}

TEST_F(StoreConfig, a_password_on_the_command_line_is_refused) {
  EXPECT_THAT(errors(load_config("", {"store=" + std::string(kWithPassword)})),
              ElementsAre(AllOf(HasSubstr("--set store"), Not(HasSubstr("hush")))));
  EXPECT_TRUE(load_config("", {"store=postgresql://parley@db/chat"}));
}

TEST_F(StoreConfig, shards_and_replicas_have_their_own_password_or_that_of_all) {
  auto config = parse_config(R"(
store = "postgresql://parley@one/chat"
store_shards = ["postgresql://parley@two/chat", "postgresql://parley:own@three/chat"]
)",
                             "f");
  ASSERT_TRUE(config) << config.error().front();
  ::setenv("PARLEY_STORE_PASSWORD", "of all", 1);
  auto store = postgres_store(*config);
  ASSERT_EQ(store->shards.size(), 2u);
  EXPECT_EQ(store->shards[0].hosts, "two");
  EXPECT_EQ(store->shards[0].password, "of all");
  EXPECT_EQ(store->shards[1].password, "own");
}

TEST_F(StoreConfig, lists_are_checked_as_the_store_is) {
  EXPECT_THAT(errors(parse_config(
                  "store = \"postgresql://p@db/x\"\nstore_replicas = [\"mysql://p:hush@db/x\"]", "f")),
              ElementsAre(AllOf(HasSubstr("store_replicas: "), Not(HasSubstr("hush")))));
  EXPECT_THAT(errors(parse_config("store_shards = [\"postgresql://p@db/x\"]", "f")),
              ElementsAre(HasSubstr("are for a PostgreSQL store")));
  EXPECT_THAT(errors(parse_config("store_shards = \"postgresql://p@db/x\"", "f")),
              ElementsAre(HasSubstr("store_shards must be a list of strings")));
  EXPECT_THAT(errors(load_config(file("public.toml",
                                      "store = \"postgresql://p@db/x\"\n"
                                      "store_shards = [\"postgresql://p:hush@db/y\"]\n",
                                      0644))),
              ElementsAre(AllOf(HasSubstr("store_shards: "), Not(HasSubstr("hush")))));
}

TEST_F(StoreConfig, connections_follow_the_request_threads_unless_set) {
  Config config;
  config.requests.threads = 6;
  EXPECT_EQ(store_connections(config), 10u);
  config.store_connections = 3;
  EXPECT_EQ(store_connections(config), 3u);
}

}  // namespace
}  // namespace parley::backend
