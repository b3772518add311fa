#include "backend/marks/mark_writer.h"
#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::IsEmpty;

class MarkRequests : public RequestsTest {
 protected:
  void SetUp() override {
    RequestsTest::SetUp();
    writer_ = std::make_unique<MarkWriter>(
        *stores_.marks, metrics_, system_, [](LogLevel, std::string_view) {},
        MarkWriterOptions{.patience = std::chrono::milliseconds(50)});
    writer_->start();
    restart_with(options());
    lab_ = make_lab();
    store_messages(lab_.id, 5);
  }
  void TearDown() override {
    dispatcher_.reset();
    writer_.reset();
    RequestsTest::TearDown();
  }
  DispatcherOptions options() override {
    auto options = RequestsTest::options();
    if (writer_)
      options.raise_marks = [this](MarkRaise raise, MarkWriter::Done done) {
        writer_->raise(std::move(raise), std::move(done));
      };
    return options;
  }

  Metrics metrics_;
  SystemClock system_;
  std::unique_ptr<MarkWriter> writer_;
  Room lab_;
};

TEST_F(MarkRequests, reading_is_answered_and_told_to_the_room) {
  EXPECT_EQ(ok("carol", "read", {{"room", "lab"}, {"read", 3}, {"received", 4}}),
            (Json{{"room", "lab"}, {"received", 4}, {"read", 3}}));
  auto published = publisher_.take();
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0].topic, "rooms/lab/receipts/carol");
  EXPECT_EQ(published[0].payload, R"({"read":3,"received":4})");
  EXPECT_FALSE(published[0].retain);
  EXPECT_EQ(ok("carol", "read", {{"room", "lab"}, {"read", 2}}),
            (Json{{"room", "lab"}, {"received", 4}, {"read", 3}}));
  EXPECT_THAT(publisher_.take(), IsEmpty());
}

TEST_F(MarkRequests, what_is_not_there_yet_can_not_be_read) {
  EXPECT_EQ(refused("carol", "read", {{"room", "lab"}, {"read", 6}}), "above_last_seq");
  EXPECT_EQ(refused("carol", "read", {{"room", "lab"}, {"received", 6}}), "above_last_seq");
  EXPECT_EQ(ok("carol", "read", {{"room", "lab"}, {"received", 5}})["read"], 0);
}

TEST_F(MarkRequests, wrong_parameters_are_refused) {
  for (const Json& wrong : {Json{{"room", "lab"}}, Json{{"room", "lab"}, {"read", -1}},
                            Json{{"room", "lab"}, {"read", 2}, {"received", 1}}, Json{{"read", 2}},
                            Json{{"room", "lab"}, {"read", 2}, {"upto", 1}}})
    EXPECT_EQ(refused("carol", "read", wrong), "invalid_argument") << wrong;
  EXPECT_EQ(refused("carol", "marks", {{"room", "lab"}, {"limit", 0}}), "invalid_argument");
}

TEST_F(MarkRequests, strangers_neither_read_nor_see_marks) {
  EXPECT_EQ(refused("dave", "read", {{"room", "lab"}, {"read", 1}}), "not_a_member");
  EXPECT_EQ(refused("dave", "marks", {{"room", "lab"}}), "not_a_member");
  EXPECT_EQ(refused("root", "read", {{"room", "lab"}, {"read", 1}}), "not_a_member");
  EXPECT_EQ(refused("dave", "read", {{"room", "hall"}, {"read", 1}}), "not_a_member");
}

TEST_F(MarkRequests, everybodys_marks_are_listed_in_pages) {
  ok("bob", "read", {{"room", "lab"}, {"read", 5}});
  ok("alice", "read", {{"room", "lab"}, {"received", 2}});
  EXPECT_EQ(ok("carol", "marks", {{"room", "lab"}, {"limit", 2}}),
            (Json{{"marks",
                   {{{"user", "alice"}, {"received", 2}, {"read", 0}},
                    {{"user", "bob"}, {"received", 5}, {"read", 5}}}},
                  {"more", true}}));
  EXPECT_EQ(ok("root", "marks", {{"room", "lab"}, {"after", "bob"}}),
            (Json{{"marks", {{{"user", "carol"}, {"received", 0}, {"read", 0}}}}, {"more", false}}));
}

TEST_F(MarkRequests, nothing_is_read_where_nothing_writes) {
  restart_with(RequestsTest::options());
  EXPECT_EQ(refused("carol", "read", {{"room", "lab"}, {"read", 1}}), "unavailable");
}

}  // namespace
}  // namespace parley::backend
