// The program itself, with a real Mosquitto that has no plugin. With it: tests/e2e.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "backend/mqtt/test_broker.h"
#include "tests/fakes/test_database.h"

namespace parley::backend {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

std::string contents(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

class ParleydTest : public testing::Test {
 protected:
  ParleydTest() {
    char pattern[] = "/tmp/parleyd-test-XXXXXX";
    dir = ::mkdtemp(pattern);
    ::setenv("PARLEY_BROKER_SECRET", "for a test", 1);
    write_config("");
  }
  ~ParleydTest() override {
    if (pid > 0) ::kill(pid, SIGKILL), ::waitpid(pid, nullptr, 0);
    std::filesystem::remove_all(dir);
  }

  void write_config(const std::string& more, int broker_port = 1) {
    std::ofstream(dir / "parleyd.toml")
        << "store = \"" << (dir / "parley.db").string() << "\"\nbroker.port = " << broker_port
        << "\nhttp.port = " << http_port << "\n"
        << more;
  }
  void start(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {PARLEYD, "--config", (dir / "parleyd.toml").string()});
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    // Two that run at once write behind each other.
    constexpr int kHow = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, (dir / "out").c_str(), kHow, 0644);
    posix_spawn_file_actions_addopen(&files, 2, (dir / "err").c_str(), kHow, 0644);
    ASSERT_EQ(::posix_spawn(&pid, PARLEYD, &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
  }
  // Its exit code; -1 when it did not end in time, 128 + n when by a signal.
  int wait() {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; })) return -1;
    pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int run(std::vector<std::string> arguments) {
    start(std::move(arguments));
    return wait();
  }
  std::string out() const { return contents(dir / "out"); }
  std::string err() const { return contents(dir / "err"); }

  // The answer to GET `path`, headers included; "" when there is none.
  std::string get(const std::string& path) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(http_port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    const auto question = "GET " + path + " HTTP/1.0\r\nConnection: close\r\n\r\n";
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::write(fd, question.data(), question.size()) == static_cast<ssize_t>(question.size())) {
      char bytes[4096];
      for (ssize_t n = 0; (n = ::read(fd, bytes, sizeof bytes)) > 0;)
        answer.append(bytes, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return answer;
  }
  bool wait_alive() {
    return eventually([&] { return get("/healthz").find("200") != std::string::npos; });
  }

  std::filesystem::path dir;
  int http_port = draw_port();
  pid_t pid = -1;
};

TEST_F(ParleydTest, a_sound_configuration_is_ok) {
  EXPECT_EQ(run({"--check-config"}), 0);
  EXPECT_EQ(out(), "ok\n");
}

TEST_F(ParleydTest, a_wrong_configuration_ends_it_with_all_errors_and_code_2) {
  write_config("http.prot = 1\nlog.level = \"loud\"\n");
  for (const auto& arguments : {std::vector<std::string>{"--check-config"}, std::vector<std::string>{}}) {
    EXPECT_EQ(run(arguments), 2);
    EXPECT_THAT(err(), HasSubstr("parleyd.toml:4: unknown key http.prot"));
    EXPECT_THAT(err(), HasSubstr("parleyd.toml:5: log.level must be"));
  }
}

TEST_F(ParleydTest, a_wrong_command_line_ends_it_with_code_2) {
  EXPECT_EQ(run({"--bogus"}), 2);
  EXPECT_EQ(run({"--check-config", "--print-default-config"}), 2);
}

TEST_F(ParleydTest, a_hangup_reads_the_configuration_again) {
  start();
  ASSERT_TRUE(wait_alive()) << err();
  const auto told = [&](const char* line) {
    return eventually([&] { return err().find(line) != std::string::npos; });
  };
  write_config("stop_timeout_ms = 4000\n[log]\nlevel = \"debug\"\n[requests]\nuser_rate = 5\n");
  ::kill(pid, SIGHUP);
  EXPECT_TRUE(told("changed: log.level, requests.user_rate")) << err();
  EXPECT_TRUE(told("need a restart of parleyd, which loses nothing: stop_timeout_ms")) << err();

  write_config("log.level = \"loud\"\n");
  ::kill(pid, SIGHUP);
  EXPECT_TRUE(told("log.level must be")) << err();
  EXPECT_TRUE(told("the configuration stays as it was")) << err();
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait(), 0) << err();
}

TEST_F(ParleydTest, without_a_secret_it_does_not_start) {
  ::unsetenv("PARLEY_BROKER_SECRET");
  EXPECT_EQ(run({}), 2);
  EXPECT_THAT(err(), HasSubstr("PARLEY_BROKER_SECRET"));
}

TEST_F(ParleydTest, an_administrator_is_made_and_only_the_token_printed) {
  EXPECT_EQ(run({"--create-admin", "ada"}), 0);
  EXPECT_THAT(out(), testing::MatchesRegex("plt_[A-Za-z0-9_.-]+\n"));
  EXPECT_EQ(run({"--create-admin", "a b"}), 1);
  EXPECT_EQ(out(), "");
}

TEST_F(ParleydTest, without_a_broker_it_is_alive_not_ready_and_stops_when_asked) {
  start();
  ASSERT_TRUE(wait_alive()) << err();
  EXPECT_THAT(get("/readyz"), HasSubstr("503"));
  EXPECT_THAT(get("/readyz"), HasSubstr("disconnected"));
  EXPECT_THAT(get("/metrics"), HasSubstr("parley_attach_state 0"));
  ::kill(pid, SIGHUP);
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait(), 0) << err();
  EXPECT_THAT(err(), HasSubstr("stopped"));
}

TEST_F(ParleydTest, metrics_tell_how_store_cache_and_broker_stand) {
  start();
  ASSERT_TRUE(wait_alive()) << err();
  const auto metrics = get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("parley_breaker_state{dependency=\"store\"} 0\n"));
  EXPECT_THAT(metrics, HasSubstr("parley_breaker_state{dependency=\"cache\"} 0\n"));
  EXPECT_TRUE(eventually([&] {
    return get("/metrics").find("parley_breaker_state{dependency=\"broker\"} 2\n") != std::string::npos;
  }));
}

TEST_F(ParleydTest, a_wrong_cache_is_told_without_its_password) {
  for (const std::string url : {"redis://:hush@h:x", "redis+sentinel://:hush@h", "hush://h"}) {
    write_config("cache = \"" + url + "\"\n");
    EXPECT_EQ(run({"--check-config"}), 2) << url;
    EXPECT_THAT(err(), HasSubstr("cache: ")) << url;
    EXPECT_THAT(err(), testing::Not(HasSubstr("hush"))) << url;
  }
}

TEST_F(ParleydTest, a_redis_that_is_away_keeps_nobody_from_starting) {
  ::setenv("PARLEY_CACHE_PASSWORD", "hush", 1);
  write_config("cache = \"redis://127.0.0.1:" + std::to_string(draw_port()) + "\"\n");
  start();
  ::unsetenv("PARLEY_CACHE_PASSWORD");
  EXPECT_TRUE(wait_alive()) << err();
  EXPECT_THAT(err() + get("/metrics"), testing::Not(HasSubstr("hush")));
}

TEST_F(ParleydTest, with_a_broker_that_has_no_plugin_it_goes_on_asking) {
  TestBroker broker;
  write_config("broker.answer_timeout_ms = 100\nlog.format = \"json\"\n", broker.port());
  start();
  ASSERT_TRUE(wait_alive()) << err();
  ASSERT_TRUE(eventually([&] { return err().find("mosquitto_parley.so") != std::string::npos; })) << err();
  EXPECT_THAT(get("/readyz"), HasSubstr("attaching"));
  EXPECT_THAT(get("/metrics"), HasSubstr("parley_mqtt_connected 1"));
  ::kill(pid, SIGINT);
  EXPECT_EQ(wait(), 0) << err();
}

TEST_F(ParleydTest, a_port_in_use_ends_it_with_code_1_and_its_name) {
  start();
  ASSERT_TRUE(wait_alive()) << err();
  const auto first = std::exchange(pid, -1);
  EXPECT_EQ(run({}), 1);
  EXPECT_THAT(err(), HasSubstr("http.port"));
  pid = first;
}

TEST_F(ParleydTest, a_store_that_can_not_be_opened_ends_it_with_code_1) {
  EXPECT_EQ(run({"--set", "store=/nonexistent/parley.db"}), 1);
  EXPECT_THAT(err(), HasSubstr("/nonexistent"));
}

TEST_F(ParleydTest, migrate_only_brings_the_schema_up_to_date_and_its_check_only_tells) {
  EXPECT_EQ(run({"migrate", "--check"}), 1);
  EXPECT_THAT(out(), HasSubstr("pending 1: "));
  EXPECT_FALSE(std::filesystem::exists(dir / "parley.db"));
  EXPECT_EQ(run({"migrate"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("done 1: "));
  EXPECT_EQ(run({"migrate", "--check"}), 0);
  EXPECT_EQ(out(), "nothing to do\n");
}

class ParleydWithPostgres : public ParleydTest {
 protected:
  void SetUp() override {
    if (auto why = TestDatabase::why_not(); !why.empty()) GTEST_SKIP() << why;
    database = std::make_unique<TestDatabase>();
    auto url = database->address();
    password = std::exchange(url.password, "");
    write_file("password", password, 0600);
    write_file("parleyd.toml",
               "store = \"" + url.shown() + "\"\nstore_password_file = \"" + (dir / "password").string() +
                   "\"\nbroker.port = 1\nhttp.port = " + std::to_string(http_port) + "\n",
               0644);
  }
  void write_file(const char* name, const std::string& text, mode_t mode) {
    std::ofstream(dir / name) << text;
    ::chmod((dir / name).c_str(), mode);
  }

  std::unique_ptr<TestDatabase> database;
  std::string password;
};

TEST_F(ParleydWithPostgres, its_database_is_migrated_by_command_or_by_a_start) {
  EXPECT_EQ(run({"--check-config"}), 0) << err();
  EXPECT_EQ(run({"migrate", "--check"}), 1) << err();
  EXPECT_THAT(out(), AllOf(HasSubstr("pending 1: "), HasSubstr("pending 2: ")));
  EXPECT_EQ(database->run("SELECT to_regclass('rooms') IS NULL"), "t");
  EXPECT_EQ(run({"--create-admin", "ada"}), 0) << err();
  EXPECT_EQ(run({"migrate", "--check"}), 0);
  EXPECT_EQ(database->number("SELECT count(*) FROM users WHERE admin"), 1);
}

TEST_F(ParleydWithPostgres, its_password_is_nowhere_to_be_seen) {
  start();
  ASSERT_TRUE(wait_alive()) << err();
  const auto arguments = contents("/proc/" + std::to_string(pid) + "/cmdline");
  EXPECT_THAT(arguments + err() + get("/metrics"), testing::Not(HasSubstr(password)));
  EXPECT_THAT(get("/metrics"), HasSubstr("parley_postgres_connects_total{database=\"store\"} "));
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait(), 0) << err();
  write_file("password", "something else", 0600);
  EXPECT_EQ(run({"migrate"}), 1);
  EXPECT_THAT(err(), AllOf(HasSubstr("password"), testing::Not(HasSubstr("something else"))));
}

}  // namespace
}  // namespace parley::backend
