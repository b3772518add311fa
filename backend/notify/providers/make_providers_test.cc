#include "backend/notify/providers/make_providers.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <nlohmann/json.hpp>

#include "backend/notify/providers/operator_providers.h"
#include "backend/notify/providers/test_keys.h"
#include "base/encoding.h"
#include "base/file.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct KeepingPublisher final : Publisher {
  Result<> publish(Publication message) override {
    if (!connected) return fail(Errc::unavailable, "away");
    published.push_back(std::move(message));
    return {};
  }
  bool connected = true;
  std::vector<Publication> published;
};

Notification notification() {
  return {.id = "01JD8Z6V5T3Y0N7QF4R2W9XKCB", .collapse = "0011", .user = "ada", .room = "lab", .text = "hi"};
}

Delivery deliver(Provider& provider, const Notification& what, const Registration& to = {}) {
  std::optional<Delivery> delivery;
  provider.send(what, to, [&](Delivery d) { delivery = std::move(d); });
  return delivery.value();  // operators' providers are done at once
}

std::vector<std::string> names(const std::vector<std::unique_ptr<Provider>>& providers) {
  std::vector<std::string> names;
  for (const auto& provider : providers) names.push_back(provider->name());
  return names;
}

class MakeProviders : public testing::Test {
 protected:
  std::string service_account(const std::string& pem,
                              const std::string& token_uri = "https://oauth.example.org/token") {
    return folder_.file("account.json", nlohmann::json{{"client_email", "a@p.example.org"},
                                                       {"token_uri", token_uri},
                                                       {"project_id", "p"},
                                                       {"private_key_id", "k1"},
                                                       {"private_key", pem}}
                                            .dump());
  }
  Error error() { return make_providers(config_, publisher_, {}, clock_).error(); }

  TestFolder folder_;
  FakeClock clock_;
  KeepingPublisher publisher_;
  Config config_;
};

TEST_F(MakeProviders, none_is_made_unless_asked_for) {
  const auto made = make_providers(config_, publisher_, {}, clock_);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->empty());
  EXPECT_EQ(webpush_public_key(config_), "");
  EXPECT_EQ(unsubscribe_token(config_)->has_value(), false);
}

TEST_F(MakeProviders, all_are_made_of_a_whole_configuration) {
  auto& notify = config_.notify;
  const auto p256 = folder_.file("p256.pem", make_test_key("P-256").private_pem);
  const auto secret = folder_.file("secret", "hush\n");
  notify.fcm.service_account_file = service_account(make_test_key("RSA").private_pem);
  notify.apns = {.key_file = p256, .key_id = "K", .team_id = "T", .topic = "org.example.chat"};
  notify.webpush = {.key_file = p256, .subject = "mailto:ops@example.org"};
  notify.webhook = {.url = "https://app.example.org/hook", .secret_file = secret};
  notify.email = {.url = "smtp://mail.example.org:587",
                  .user = "u",
                  .password_file = secret,
                  .from = "Chat <chat@example.org>",
                  .unsubscribe_url = "https://chat.example.org/u",
                  .unsubscribe_key_file = secret};
  notify.mqtt_topic = "notices/{user}";
  notify.to_stdout = true;
  const auto made = make_providers(config_, publisher_, {}, clock_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(names(*made), ElementsAre("fcm", "apns", "webpush", "webhook", "email", "mqtt", "stdout"));
  EXPECT_TRUE(try_providers(config_, clock_));
  EXPECT_EQ(base64url_decode(webpush_public_key(config_).value())->size(), 65u);
  EXPECT_TRUE(unsubscribe_token(config_)->has_value());
}

TEST_F(MakeProviders, an_error_names_the_key_and_repeats_no_secret) {
  auto& notify = config_.notify;
  notify.fcm.service_account_file = folder_.file("none.json", R"({"private_key":"hush"})");
  EXPECT_THAT(error().message,
              testing::AllOf(HasSubstr("fcm.service_account_file"), testing::Not(HasSubstr("hush"))));
  notify.fcm.service_account_file = service_account("hush");
  EXPECT_THAT(error().message, testing::AllOf(HasSubstr("private_key"), testing::Not(HasSubstr("hush"))));
  notify.fcm.service_account_file =
      service_account(make_test_key("RSA").private_pem, "http://oauth.example.org");
  EXPECT_THAT(error().message, HasSubstr("token_uri"));
  notify.fcm = {};
  notify.webhook = {.url = "https://a", .secret_file = folder_.file("open", "hush", 0644)};
  EXPECT_THAT(error().message, HasSubstr("webhook.secret_file"));
  notify.webhook = {};
  notify.webpush = {.key_file = folder_.file("rsa.pem", make_test_key("RSA").private_pem),
                    .subject = "mailto:a@b"};
  EXPECT_THAT(error().message, HasSubstr("webpush.key_file"));
  notify.webpush = {};
  notify.email = {.url = "smtp://a", .from = "nobody"};
  EXPECT_THAT(error().message, HasSubstr("email.from"));
  notify.email = {};
  notify.mqtt_topic = "rooms/lab/send";
  EXPECT_THAT(error().message, HasSubstr("notify.mqtt_topic"));
  notify.mqtt_topic = "";
  notify.ca_file = "/nowhere";
  EXPECT_THAT(error().message, HasSubstr("notify.ca_file"));
}

TEST_F(MakeProviders, mqtt_publishes_where_the_operator_wants_it) {
  MqttProvider provider("notices/{user}/x", publisher_);
  EXPECT_EQ(deliver(provider, notification()).what, Delivery::What::sent);
  ASSERT_EQ(publisher_.published.size(), 1u);
  EXPECT_EQ(publisher_.published[0].topic, "notices/ada/x");
  EXPECT_EQ(publisher_.published[0].qos, 1);
  EXPECT_EQ(nlohmann::json::parse(publisher_.published[0].payload)["room"], "lab");
  publisher_.connected = false;
  EXPECT_EQ(deliver(provider, notification()).what, Delivery::What::retry);
}

TEST_F(MakeProviders, topics_of_parley_or_the_broker_are_not_published_to) {
  for (const auto* fine : {"notices", "notices/{user}", "a/rooms", "a/{user}/inbox"})
    EXPECT_TRUE(check_mqtt_topic(fine)) << fine;
  for (const auto* wrong : {"", "rooms/lab/send", "rooms", "users/{user}/inbox", "$parley/feed", "$SYS/x",
                            "a/#", "a/+/b", "{user}/lab/send", "rooms/{user}/messages", "$CONTROL/parley/v1"})
    EXPECT_FALSE(check_mqtt_topic(wrong)) << wrong;
  EXPECT_FALSE(check_mqtt_topic(std::string(2'000, 'a')));
}

class Stdout : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader_ = Fd(ends[0]);
    writer_ = Fd(ends[1]);
    std::signal(SIGPIPE, SIG_IGN);  // as parleyd does
  }
  Fd reader_, writer_;
};

TEST_F(Stdout, a_notification_is_a_line) {
  StdoutProvider provider(writer_.get());
  auto what = notification();
  what.text = "two\nlines";
  EXPECT_EQ(deliver(provider, what).what, Delivery::What::sent);
  char buffer[4'096];
  const auto size = ::read(reader_.get(), buffer, sizeof buffer);
  const std::string line(buffer, static_cast<std::size_t>(size));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(nlohmann::json::parse(line)["text"], "two\nlines");
}

TEST_F(Stdout, a_reader_that_is_gone_is_waited_for) {
  StdoutProvider provider(writer_.get());
  reader_ = Fd();
  EXPECT_EQ(deliver(provider, notification()).what, Delivery::What::retry);
}

TEST_F(Stdout, a_reader_that_does_not_read_blocks_nobody_and_never_gets_half_a_line) {
  StdoutProvider provider(writer_.get());
  auto what = notification();
  what.text = std::string(1'000, 'x');
  std::size_t sent_count = 0;
  while (deliver(provider, what).what == Delivery::What::sent) ASSERT_LT(++sent_count, 10'000u);
  EXPECT_GT(sent_count, 0u);
  std::string all;
  writer_ = Fd();
  char buffer[4'096];
  for (ssize_t got; (got = ::read(reader_.get(), buffer, sizeof buffer)) > 0;)
    all.append(buffer, static_cast<std::size_t>(got));
  EXPECT_EQ(std::ranges::count(all, '\n'), static_cast<std::ptrdiff_t>(sent_count));
  EXPECT_EQ(all.back(), '\n');
}

}  // namespace
}  // namespace parley::backend
