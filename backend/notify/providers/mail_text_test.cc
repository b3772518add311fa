#include "backend/notify/providers/mail_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/notify/providers/unsubscribe_token.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

using testing::HasSubstr;
using testing::Not;

MailForm form() {
  return {.from = {.name = "Chat", .address = "chat@example.org"},
          .to = "ada@example.net",
          .message_id = "01JD8Z6V5T3Y0N7QF4R2W9XKCB@example.org",
          .unsubscribe_url = "",
          .at = from_ms(1'795'314'673'123)};
}

Notification digest() {
  Notification notification{
      .kind = Notification::Kind::digest, .id = "01JD8Z6V5T3Y0N7QF4R2W9XKCB", .user = "ada"};
  notification.lines = {{.room = "The lab", .from = "bob", .text = "see <b>you</b>", .count = 3},
                        {.room = "Küche", .from = "eve", .text = "", .count = 1}};
  return notification;
}

std::string headers_of(const std::string& mail) {
  return mail.substr(0, mail.find("\r\n\r\n") + 2);
}

// The decoded part that begins after the nth blank line.
std::string part(const std::string& mail, int number) {
  std::size_t at = 0;
  for (int i = 0; i <= number; ++i) at = mail.find("\r\n\r\n", at) + 4;
  std::string text = mail.substr(at, mail.find("\r\n--", at) - at);
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  return base64_decode(text).value_or("not base64: " + text);
}

TEST(MailText, a_digest_lists_rooms_with_counts_and_last_messages) {
  const auto mail = mail_text(digest(), form());
  EXPECT_THAT(headers_of(mail), HasSubstr("Subject: 4 new messages in 2 rooms\r\n"));
  EXPECT_THAT(headers_of(mail), HasSubstr("From: \"Chat\" <chat@example.org>\r\n"));
  EXPECT_THAT(headers_of(mail), HasSubstr("To: <ada@example.net>\r\n"));
  EXPECT_THAT(headers_of(mail), HasSubstr("Message-ID: <01JD8Z6V5T3Y0N7QF4R2W9XKCB@example.org>\r\n"));
  EXPECT_THAT(headers_of(mail), HasSubstr("Date: Sun, 22 Nov 2026 "));
  EXPECT_THAT(headers_of(mail), Not(HasSubstr("List-Unsubscribe")));
  EXPECT_THAT(part(mail, 1), HasSubstr("The lab – 3 new messages\r\n    bob: see <b>you</b>"));
  EXPECT_THAT(part(mail, 1), HasSubstr("Küche – 1 new message\r\n"));
  EXPECT_THAT(part(mail, 2), HasSubstr("see &lt;b&gt;you&lt;/b&gt;"));
}

TEST(MailText, a_wake_up_says_nothing_but_that_there_is_something) {
  const auto mail =
      mail_text({.kind = Notification::Kind::digest, .id = "01JD8Z6V5T3Y0N7QF4R2W9XKCB"}, form());
  EXPECT_THAT(headers_of(mail), HasSubstr("Subject: New messages\r\n"));
  EXPECT_EQ(part(mail, 1), "There are new messages for you.\r\n\r\n");
}

TEST(MailText, one_click_unsubscribing_is_offered_where_there_is_an_url) {
  auto with_link = form();
  with_link.unsubscribe_url = "https://chat.example.org/u?t=abc";
  const auto headers = headers_of(mail_text(digest(), with_link));
  EXPECT_THAT(headers, HasSubstr("\r\nList-Unsubscribe: <https://chat.example.org/u?t=abc>\r\n"));
  EXPECT_THAT(headers, HasSubstr("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
}

TEST(MailText, no_name_makes_a_header_of_its_own) {
  for (const std::string& evil :
       {std::string("x\r\nBcc: eve@evil.org"), std::string("x\nBcc: eve@evil.org"),
        std::string("ü\r\nBcc: eve@evil.org"), std::string("x\r\n\r\nBcc: body"),
        std::string("x\0\r\nBcc:", 9), "\r\nBcc: " + std::string(300, 'y'),
        std::string("=?UTF-8?Q?=0D=0ABcc:?=\r\nBcc: a"), std::string("\xff\r\nBcc: a")}) {
    auto one = digest();
    one.lines = {{.room = evil, .from = evil, .text = evil, .count = 1}};
    auto from_evil = form();
    from_evil.from.name = evil;
    const auto headers = headers_of(mail_text(one, from_evil));
    EXPECT_THAT(headers, Not(HasSubstr("\nBcc")));
    EXPECT_THAT(headers, HasSubstr("multipart/alternative"));  // the headers are whole
    EXPECT_EQ(header_words(evil).find("\nB"), std::string::npos);
  }
}

TEST(MailText, words_that_are_not_ascii_are_encoded_in_pieces_of_whole_characters) {
  EXPECT_EQ(header_words("plain words"), "plain words");
  std::string fish;
  for (int i = 0; i < 40; ++i) fish += "🐟";
  const auto words = header_words(fish);
  std::string decoded;
  for (std::size_t at = 0; at < words.size();) {
    const auto end = words.find("\r\n ", at);
    const auto word = words.substr(at, end == std::string::npos ? end : end - at);
    EXPECT_LE(word.size(), 75u);
    const auto piece = base64_decode(word.substr(10, word.size() - 12));
    ASSERT_TRUE(piece) << word;
    EXPECT_TRUE(valid_utf8(*piece));
    decoded += *piece;
    at = end == std::string::npos ? words.size() : end + 3;
  }
  EXPECT_EQ(decoded, fish);
}

TEST(MailText, an_address_that_could_be_more_than_one_is_none) {
  for (const auto* fine : {"ada@example.net", "ada.b+chat@mail.example.net", "a@localhost"})
    EXPECT_TRUE(is_mail_address(fine)) << fine;
  for (const auto* wrong : {"", "ada", "@b", "a@", "a@b@c", "a b@c", "a@b>", "<a@b", "a@b,c@d",
                            "a@b\r\nRCPT TO:<c@d>", "a@b\t", "ä@b", "\"a\"@b", "a@b;", "-f@b"})
    EXPECT_FALSE(is_mail_address(wrong)) << wrong;
  EXPECT_FALSE(is_mail_address(std::string(250, 'a') + "@example.net"));
}

TEST(MailText, a_sender_is_an_address_or_a_name_and_an_address) {
  EXPECT_EQ(parse_mail_address("chat@example.org")->address, "chat@example.org");
  EXPECT_EQ(parse_mail_address("Our Chat <chat@example.org>")->name, "Our Chat");
  EXPECT_EQ(parse_mail_address("\"Chat, ours\" <chat@example.org>")->name, "Chat, ours");
  EXPECT_EQ(parse_mail_address("A\r\nB <chat@example.org>")->name, "A  B");
  for (const auto* wrong : {"", "Chat", "Chat <chat>", "<>", "a@b, c@d"})
    EXPECT_FALSE(parse_mail_address(wrong)) << wrong;
}

TEST(UnsubscribeToken, is_known_again_and_by_its_own_key_alone) {
  const UnsubscribeToken token("secret"), other("another");
  const auto made = token.make("registration-1");
  EXPECT_EQ(token.registration(made), "registration-1");
  EXPECT_EQ(other.registration(made), std::nullopt);
  EXPECT_EQ(made.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."),
            std::string::npos);
}

TEST(UnsubscribeToken, that_was_changed_is_none_of_ours) {
  const UnsubscribeToken token("secret");
  const auto made = token.make("r1");
  EXPECT_EQ(token.registration(base64url_encode("r2") + made.substr(made.find('.'))), std::nullopt);
  for (std::size_t i = 0; i < made.size(); ++i) {
    auto changed = made;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(token.registration(changed), std::nullopt) << i;
  }
  for (const auto& wrong : {std::string(), std::string("."), std::string("r1."), made + "A", made.substr(1),
                            std::string(10'000, 'A')})
    EXPECT_EQ(token.registration(wrong), std::nullopt);
}

}  // namespace
}  // namespace parley::backend
