#include "tools/parleyctl/doctor/broker_conf_checks.h"

#include "tools/parleyctl/doctor/doctor_testing.h"

namespace parley::ctl {
namespace {

class BrokerConfChecks : public DoctorTest {
 protected:
  // A sound configuration with these lines behind it.
  void check(const std::string& lines, const std::string& before = "listener 1883 127.0.0.1\n") {
    const auto plugin = write("mosquitto_parley.so", "");
    const auto conf = read_mosquitto_conf(
        write("mosquitto.conf",
              "allow_anonymous false\npersistence true\nmax_queued_messages 100000\nacl_file /etc/acl\n"
              "persistent_client_expiration 7d\nplugin " +
                  plugin.string() +
                  "\nplugin_opt_data_dir /var/lib/parley\nplugin_opt_backend_secret_file /etc/secret\n" +
                  before + lines));
    ASSERT_TRUE(conf) << conf.error().message;
    findings_ = Findings();
    check_broker_conf(*conf, findings_);
    every_complaint_says_what_to_do();
  }
};

TEST_F(BrokerConfChecks, a_sound_one_has_nothing_to_complain_of) {
  check("");
  for (const auto& finding : findings_.all()) EXPECT_EQ(finding.level, Finding::Level::ok) << finding.text;
}

TEST_F(BrokerConfChecks, each_trap_is_found) {
  struct Trap {
    const char *lines, *words;
  };
  for (const auto& trap :
       {Trap{"per_listener_settings true\n", "per_listener_settings is true"},
        Trap{"max_queued_messages 0\n", "max_queued_messages is 0"},
        Trap{"max_queued_messages 1000\n", "dropped silently"},
        Trap{"max_packet_size 1000\n", "max_packet_size is 1000"},
        Trap{"message_size_limit 65536\n", "message_size_limit is 65536"},
        Trap{"listener 9001 127.0.0.1\nprotocol websockets\n", "listens on every interface"},
        Trap{"listener 8883\ncertfile /a\n", "has a certfile and no keyfile"},
        Trap{"plugin_opt_user_rat 5\n", "The plugin's options"},
        Trap{"plugin_opt_client_id_hold 1h\n", "longer than the plugin's client_id_hold"},
        Trap{"persistent_client_expiration 2w\n", "longer than the plugin's client_id_hold"}}) {
    SCOPED_TRACE(trap.lines);
    check(trap.lines);
    EXPECT_TRUE(has_problem(trap.words));
    EXPECT_EQ(problems(), 1u);
  }
}

TEST_F(BrokerConfChecks, the_default_queue_of_a_thousand_is_a_trap_too) {
  MosquittoConf conf{.listeners = {{.port = 1883, .address = "127.0.0.1"}}};
  check_broker_conf(conf, findings_);
  EXPECT_TRUE(has_problem("max_queued_messages is 1000 (the default)"));
  EXPECT_TRUE(has_problem("The plugin is not loaded"));
  EXPECT_EQ(problems(), 2u);
}

TEST_F(BrokerConfChecks, only_websockets_do_not_do) {
  check("", "listener 9001 127.0.0.1\nprotocol websockets\nsocket_domain ipv4\n");
  EXPECT_TRUE(has_problem("only WebSocket listeners"));
}

TEST_F(BrokerConfChecks, a_plugin_that_is_not_there_is_found) {
  check("");
  std::filesystem::remove(folder_ / "mosquitto_parley.so");
  findings_ = Findings();
  check_broker_conf(*read_mosquitto_conf(folder_ / "mosquitto.conf"), findings_);
  EXPECT_TRUE(has_problem("mosquitto_parley.so is not there"));
}

TEST_F(BrokerConfChecks, what_may_be_meant_so_is_a_note) {
  struct Note {
    const char *lines, *words;
  };
  for (const auto& note :
       {Note{"allow_anonymous true\n", "allow_anonymous is true"},
        Note{"persistence false\n", "persistence is off"}, Note{"listener 1884 0.0.0.0\n", "without TLS"},
        Note{"listener 1884 127.0.0.1\nuse_identity_as_username true\n", "client certificates"},
        Note{"persistent_client_expiration forever\n", "stay for ever"}}) {
    SCOPED_TRACE(note.lines);
    check(note.lines);
    EXPECT_TRUE(has_note(note.words));
    EXPECT_EQ(problems(), 0u);
  }
}

TEST(ExpirationHours, are_read_as_mosquitto_reads_them) {
  EXPECT_EQ(expiration_hours("3h"), 3);
  EXPECT_EQ(expiration_hours("7d"), 168);
  EXPECT_EQ(expiration_hours("1w"), 168);
  EXPECT_EQ(expiration_hours("1m"), 720);
  EXPECT_EQ(expiration_hours(""), std::nullopt);
  EXPECT_EQ(expiration_hours("d"), std::nullopt);
  EXPECT_EQ(expiration_hours("7x"), std::nullopt);
}

}  // namespace
}  // namespace parley::ctl
