#include "tools/parleyctl/doctor/running_checks.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/file.h"
#include "tools/parleyctl/doctor/doctor_testing.h"
#include "tools/parleyctl/doctor/system.h"

namespace parley::ctl {
namespace {

constexpr const char* kHealthy = R"(# HELP parley_build_info x
parley_build_info{version="1.0"} 1
parley_broker_build_info{version="1.0"} 1
parley_broker_clock_skew_seconds 0.001
parley_broker_journal_backlog_bytes 100
parley_broker_journal_max_bytes 1073741824
parley_broker_journal_age_seconds 0.5
parley_feed_corrupt 0
parley_breaker_state{dependency="store"} 0
parley_breaker_state{dependency="cache"} 0
parley_notify_misconfigured{provider="fcm"} 0
parley_queue_length{queue="feed"} 3
parley_queue_capacity{queue="feed"} 256
parley_broker_queue_length{queue="events"} 0
parley_broker_queue_capacity{queue="events"} 10000
process_open_fds 40
process_max_fds 65536
parley_broker_sessions 12
parley_broker_process_max_fds 65536
)";

class RunningChecks : public DoctorTest {
 protected:
  // A healthy server's metrics, with these lines instead of theirs.
  void judge(const std::string& instead, const std::string& version = "1.0") {
    findings_ = Findings();
    judge_metrics(MetricsText(kHealthy + instead), version, findings_);
    every_complaint_says_what_to_do();
  }
};

TEST_F(RunningChecks, a_healthy_server_has_nothing_to_complain_of) {
  judge("");
  for (const auto& finding : findings_.all()) EXPECT_EQ(finding.level, Finding::Level::ok) << finding.text;
  EXPECT_GE(findings_.all().size(), 5u);
}

TEST_F(RunningChecks, each_sickness_is_found) {
  struct Sick {
    const char *line, *words;
  };
  for (const auto& sick :
       {Sick{"parley_broker_build_info{version=\"0.9\"} 1\n", "the broker's plugin 0.9"},
        Sick{"parley_broker_clock_skew_seconds -7\n", "-7 s from parleyd's"},
        Sick{"parley_broker_journal_backlog_bytes 900000000\n", "84 % full"},
        Sick{"parley_broker_journal_age_seconds 3600\n", "3600 s old"},
        Sick{"parley_feed_corrupt 1\n", "broken record"},
        Sick{"parley_breaker_state{dependency=\"store\"} 2\n", "store does not work"},
        Sick{"parley_breaker_state{dependency=\"cache\"} 1\n", "cache does not work"},
        Sick{"parley_notify_misconfigured{provider=\"fcm\"} 1\n", "fcm refuses our credentials"},
        Sick{"parley_queue_length{queue=\"feed\"} 250\n", "The queue feed is 98 % full"},
        Sick{"parley_broker_queue_length{queue=\"events\"} 9500\n", "The queue events is 95 % full"},
        Sick{"process_open_fds 60000\n", "parleyd uses 92 %"},
        Sick{"parley_broker_sessions 60000\n", "The broker uses 92 %"}}) {
    SCOPED_TRACE(sick.line);
    judge(sick.line);
    EXPECT_TRUE(has_problem(sick.words));
    EXPECT_EQ(problems(), 1u);
  }
}

TEST_F(RunningChecks, tools_of_another_version_are_found) {
  judge("", "2.0");
  EXPECT_TRUE(has_problem("parleyctl 2.0, parleyd 1.0, the broker's plugin 1.0 is running"));
}

TEST_F(RunningChecks, few_file_descriptors_are_a_note) {
  judge("parley_broker_process_max_fds 1024\n");
  EXPECT_TRUE(has_note("may have few clients"));
}

TEST_F(RunningChecks, an_empty_port_is_found) {
  Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in at{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  const MosquittoConf conf{.listeners = {{.port = ntohs(at.sin_port), .address = "127.0.0.1"}}};
  check_listening(conf, findings_);
  EXPECT_TRUE(has_problem("Nobody answers on the listener"));
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  findings_ = Findings();
  check_listening(conf, findings_);
  EXPECT_EQ(problems(), 0u);
}

TEST_F(RunningChecks, a_program_is_asked_for_its_version_its_configuration_and_its_store) {
  const auto program = [&](const std::string& check, const std::string& migrate) {
    findings_ = Findings();
    const auto script =
        write("parleyd",
              "#!/bin/sh\ncase \"$*\" in\n*--version) echo parleyd 1.0 ;;\n*--check-config) " + check +
                  " ;;\n*) " + migrate + " ;;\nesac\n",
              0700);
    check_program(script, "parleyd.toml", "1.0", findings_);
    every_complaint_says_what_to_do();
  };
  program("echo ok", "echo nothing to do");
  EXPECT_EQ(problems(), 0u);
  program("echo 'parleyd.toml:3: unknown key x' >&2; exit 2", "true");
  EXPECT_TRUE(has_problem("unknown key x"));
  program("echo ok", "echo 'no connection' >&2; exit 1");
  EXPECT_TRUE(has_problem("The database does not answer: no connection"));
  program("echo ok", "echo 'pending 7'; exit 1");
  EXPECT_TRUE(has_note("its tables are older"));
  check_program("/nowhere/parleyd", "parleyd.toml", "1.0", findings_);
  EXPECT_TRUE(has_note("can't be started"));
}

TEST(MetricsTextTest, finds_series_and_labels) {
  const MetricsText text(
      "# TYPE x gauge\nx{a=\"1\",b=\"two\"} 3\nx{a=\"2\",b=\"three\"} 4.5\ny 1e+06\nbad\n");
  EXPECT_EQ(text.value("y"), 1e6);
  EXPECT_EQ(text.value("x{a=\"1\",b=\"two\"}"), 3);
  EXPECT_EQ(text.value("z"), std::nullopt);
  EXPECT_EQ(text.by_label("x", "b"), (std::map<std::string, double>{{"two", 3}, {"three", 4.5}}));
}

TEST(RunProgram, gives_up_a_program_that_hangs) {
  const auto ran = run_program({"sleep", "600"}, std::chrono::seconds(1));
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::timeout);
}

}  // namespace
}  // namespace parley::ctl
