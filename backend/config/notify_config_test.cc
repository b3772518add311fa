#include "backend/config/notify_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ConfigErrors errors_of(const std::vector<std::string>& settings) {
  const auto config = parse_config("", "f", settings);
  return config ? ConfigErrors{} : config.error();
}

TEST(NotifyConfig, no_provider_is_in_use_by_default) {
  EXPECT_TRUE(check_notify(Config{}));
}

TEST(NotifyConfig, a_provider_with_all_it_needs_is_taken) {
  EXPECT_THAT(errors_of({"fcm.service_account_file=/a"}), ElementsAre());
  EXPECT_THAT(
      errors_of({"apns.key_file=/a", "apns.key_id=K", "apns.team_id=T", "apns.topic=org.example.chat"}),
      ElementsAre());
  EXPECT_THAT(errors_of({"webpush.key_file=/a", "webpush.subject=mailto:ops@example.org"}), ElementsAre());
  EXPECT_THAT(errors_of({"webhook.url=http://127.0.0.1/x", "webhook.secret_file=/a"}), ElementsAre());
  EXPECT_THAT(errors_of({"email.url=smtp://mail.example.org:587", "email.from=chat@example.org"}),
              ElementsAre());
}

TEST(NotifyConfig, what_is_missing_is_named) {
  struct Row {
    std::vector<std::string> settings;
    const char* named;
  };
  for (const auto& [settings, named] : std::vector<Row>{
           {{"apns.key_file=/a", "apns.team_id=T", "apns.topic=x"}, "apns.key_id is missing"},
           {{"apns.key_file=/a", "apns.key_id=K", "apns.topic=x"}, "apns.team_id is missing"},
           {{"apns.key_file=/a", "apns.key_id=K", "apns.team_id=T"}, "apns.topic is missing"},
           {{"webpush.key_file=/a"}, "webpush.subject is missing"},
           {{"webhook.url=https://a"}, "webhook.secret_file is missing"},
           {{"email.url=smtp://a"}, "email.from is missing"},
           {{"email.url=smtp://a", "email.from=a@b", "email.user=u"}, "email.password_file is missing"},
           {{"email.url=smtp://a", "email.from=a@b", "email.password_file=/p"}, "email.user is missing"},
           {{"email.url=smtp://a", "email.from=a@b", "email.unsubscribe_url=https://a"},
            "email.unsubscribe_key_file is missing"}})
    EXPECT_THAT(errors_of(settings), ElementsAre(HasSubstr(named)));
}

TEST(NotifyConfig, servers_are_asked_over_tls_and_nothing_breaks_out_of_a_header) {
  EXPECT_THAT(errors_of({"fcm.service_account_file=/a", "fcm.url=http://a"}),
              ElementsAre(HasSubstr("fcm.url")));
  EXPECT_THAT(errors_of({"webhook.url=ftp://a", "webhook.secret_file=/a"}),
              ElementsAre(HasSubstr("webhook.url")));
  EXPECT_THAT(errors_of({"email.url=http://a", "email.from=a@b"}), ElementsAre(HasSubstr("email.url")));
  EXPECT_THAT(errors_of({"email.url=smtp://u:p@a", "email.from=a@b"}), ElementsAre(HasSubstr("email.url")));
  EXPECT_THAT(errors_of({"webpush.key_file=/a", "webpush.subject=me"}),
              ElementsAre(HasSubstr("webpush.subject")));
  Config config;
  config.notify.apns = {.key_file = "/a", .key_id = "K", .team_id = "T", .topic = "a\r\nb"};
  EXPECT_FALSE(check_notify(config));
}

}  // namespace
}  // namespace parley::backend
