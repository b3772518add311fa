#include "tools/parleyctl/doctor/mosquitto_conf.h"

#include "tools/parleyctl/doctor/doctor_testing.h"

namespace parley::ctl {
namespace {

class MosquittoConfTest : public DoctorTest {};

TEST_F(MosquittoConfTest, options_belong_to_the_listener_and_the_plugin_above_them) {
  const auto conf = read_mosquitto_conf(write("mosquitto.conf", R"(
# a comment
  per_listener_settings   false
listener 1883 127.0.0.1
listener 8883
certfile /etc/x.crt
listener 9001 ::1
protocol websockets
plugin /usr/lib/mosquitto_parley.so
plugin_opt_data_dir /var/lib/parley with blanks
plugin /usr/lib/other.so
plugin_opt_data_dir /other
max_queued_messages 5
)"));
  ASSERT_TRUE(conf) << conf.error().message;
  ASSERT_EQ(conf->listeners.size(), 3u);
  EXPECT_TRUE(conf->listeners[0].loopback());
  EXPECT_FALSE(conf->listeners[0].tls());
  EXPECT_TRUE(conf->listeners[1].tls());
  EXPECT_EQ(conf->listeners[1].shown(), "*:8883");
  EXPECT_TRUE(conf->listeners[2].websockets());
  ASSERT_NE(conf->parley(), nullptr);
  EXPECT_EQ(conf->parley()->options,
            (std::vector<std::pair<std::string, std::string>>{{"data_dir", "/var/lib/parley with blanks"}}));
  EXPECT_EQ(conf->option("max_queued_messages"), "5");
  EXPECT_EQ(conf->option("per_listener_settings"), "false");
}

TEST_F(MosquittoConfTest, included_folders_are_read_in_the_order_of_their_names) {
  write("conf.d/2.conf", "max_queued_messages 2\n");
  write("conf.d/1.conf", "max_queued_messages 1\nlistener 1884\n");
  write("conf.d/notes.txt", "max_queued_messages 3\n");
  const auto conf =
      read_mosquitto_conf(write("mosquitto.conf", "include_dir " + (folder_ / "conf.d").string() + "\n"));
  ASSERT_TRUE(conf) << conf.error().message;
  EXPECT_EQ(conf->option("max_queued_messages"), "2");
  EXPECT_EQ(conf->listeners.at(0).port, 1884);
}

TEST_F(MosquittoConfTest, without_a_listener_there_is_the_default_one) {
  auto conf = read_mosquitto_conf(write("mosquitto.conf", "allow_anonymous false\n"));
  ASSERT_EQ(conf->listeners.size(), 1u);
  EXPECT_EQ(conf->listeners[0].shown(), "127.0.0.1:1883");
  conf = read_mosquitto_conf(write("mosquitto.conf", "port 1999\nlistener 9001\nprotocol websockets\n"));
  ASSERT_EQ(conf->listeners.size(), 2u);
  EXPECT_EQ(conf->listeners[0].shown(), "*:1999");
  EXPECT_FALSE(conf->listeners[0].websockets());
}

TEST_F(MosquittoConfTest, a_folder_that_includes_itself_comes_to_an_end) {
  const auto include = "include_dir " + (folder_ / "conf.d").string() + "\n";
  write("conf.d/1.conf", include + "listener 1\n");
  const auto conf = read_mosquitto_conf(write("mosquitto.conf", include));
  ASSERT_TRUE(conf);
  EXPECT_LE(conf->listeners.size(), 10u);
}

TEST_F(MosquittoConfTest, what_cannot_be_read_is_said) {
  EXPECT_EQ(read_mosquitto_conf(folder_ / "none").error().code, Errc::not_found);
  EXPECT_EQ(read_mosquitto_conf(write("mosquitto.conf", "include_dir /nowhere/at/all\n")).error().code,
            Errc::not_found);
}

}  // namespace
}  // namespace parley::ctl
