#include "backend/requests/requests_test.h"

#include <deque>

namespace parley::backend {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

std::string envelope(std::uint64_t seq, std::size_t padding) {
  return "{\"seq\":" + std::to_string(seq) + ",\"content\":{\"text\":\"" + std::string(padding, 'x') + "\"}}";
}

}  // namespace

void RequestsTest::SetUp() {
  std::filesystem::create_directory(folder_);
  auto stores = open_sqlite_stores(folder_ / "parley.db", {}, clock_);
  ASSERT_TRUE(stores) << stores.error().message;
  stores_ = std::move(*stores);
  for (const char* name : {"root", "alice", "bob", "carol", "dave"}) {
    ASSERT_TRUE(stores_.users->create(
        {.name = name, .title = "", .admin = name == std::string("root"), .scram = ""}));
  }
  restart_with(options());
}

void RequestsTest::TearDown() {
  dispatcher_.reset();
  stores_ = {};
  std::filesystem::remove_all(folder_);
}

DispatcherOptions RequestsTest::options() {
  DispatcherOptions options;
  options.rules->set({.scram_iterations = 2});
  return options;
}

void RequestsTest::restart_with(DispatcherOptions options) {
  dispatcher_.reset();
  dispatcher_ = make_dispatcher(stores_, broker_, events_, publisher_, presence_, clock_, std::move(options));
}

std::future<std::string> RequestsTest::send(const std::string& user, const std::string& method,
                                            const std::string& payload) {
  auto promise = std::make_shared<std::promise<std::string>>();
  dispatcher_->submit(
      {user, method, payload, [promise](std::string reply) { promise->set_value(std::move(reply)); }});
  return promise->get_future();
}

wire::Reply RequestsTest::call(const std::string& user, const std::string& method, const Json& params) {
  auto request = params;
  request["id"] = "r1";
  auto future = send(user, method, request.dump());
  if (future.wait_for(kPatience) != std::future_status::ready)
    throw std::runtime_error(method + ": no reply");
  auto text = future.get();
  auto reply = wire::parse_reply(text);
  if (!reply) throw std::runtime_error(method + ": not a reply: " + text);
  EXPECT_EQ(reply->id, "r1");
  return *reply;
}

Json RequestsTest::ok(const std::string& user, const std::string& method, const Json& params) {
  auto reply = call(user, method, params);
  EXPECT_TRUE(reply.ok) << method << " " << params << ": " << reply.code << ": " << reply.message;
  return reply.result;
}

std::string RequestsTest::refused(const std::string& user, const std::string& method, const Json& params) {
  auto reply = call(user, method, params);
  EXPECT_FALSE(reply.ok) << method << " " << params;
  EXPECT_TRUE(reply.ok || !reply.message.empty());
  return reply.code;
}

Room RequestsTest::make_lab(const Json& extra) {
  Json params = {
      {"room", "lab"}, {"title", "The lab"}, {"members", {{"bob", "moderator"}, {"carol", "member"}}}};
  params.update(extra);
  ok("alice", "room.create", params);
  publisher_.take();
  events_.take();
  return room("lab");
}

void RequestsTest::store_messages(std::uint64_t room_id, std::uint64_t last, std::size_t padding) {
  std::deque<std::string> texts;
  std::vector<wire::Record> records;
  for (std::uint64_t seq = 1; seq <= last; ++seq) {
    wire::Record record{.room_id = room_id, .seq = seq};
    record.id[0] = static_cast<unsigned char>(seq);
    record.room = "lab";
    record.from = "alice";
    record.type = "text";
    record.envelope = texts.emplace_back(envelope(seq, padding));
    records.push_back(record);
  }
  ASSERT_TRUE(stores_.messages->store(1, feed_offset_, feed_offset_ + 100, records));
  feed_offset_ += 100;
}

std::vector<wire::AppendEntry> RequestsTest::newest_entries() {
  auto version = stores_.directory->version();
  auto steps = stores_.directory->steps_after(*version - 1, 1);
  return steps->front().entries;
}

}  // namespace parley::backend
