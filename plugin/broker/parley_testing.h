#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "base/crypto.h"
#include "plugin/broker/parley.h"
#include "wire/feed.h"
#include "wire/request.h"

// The plugin without Mosquitto, for tests.
namespace parley::plugin {

using nlohmann::json;

// Records what the plugin asks of the broker, in order.
struct RecordingBroker final : BrokerApi {
  struct Sent {
    std::string to, topic, payload;
  };
  std::vector<Sent> sent;
  std::vector<std::string> order;  // "publish TOPIC", "to CLIENT TOPIC", "kick CLIENT"
  std::function<void(const std::string&)> on_kick;

  void publish(const char* topic, std::string_view payload, int) override {
    sent.push_back({"", topic, std::string(payload)});
    order.push_back(std::string("publish ") + topic);
  }
  void publish_to(const char* client, const char* topic, std::string_view payload, int) override {
    sent.push_back({client, topic, std::string(payload)});
    order.push_back(std::string("to ") + client + " " + topic);
  }
  bool kick(const char* client) override {
    order.push_back(std::string("kick ") + client);
    if (on_kick) on_kick(client);
    return true;
  }
  void kick_all_named(const char* username) override {
    order.push_back(std::string("kick all named ") + username);
  }
  void stop() override { order.push_back("stop"); }
  void log(LogLevel level, std::string_view line) override {
    if (level == LogLevel::debug) debug_lines.emplace_back(line);
  }
  std::vector<std::string> debug_lines;

  std::vector<std::string> on(std::string_view topic) const {
    std::vector<std::string> payloads;
    for (const auto& s : sent)
      if (s.topic == topic) payloads.push_back(s.payload);
    return payloads;
  }
};

inline constexpr char kSecret[] = "the secret of the backend";
inline constexpr char kToken[] = "plt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

inline constexpr char kRootToken[] = "plt_EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE";

class PluginWithoutABroker : public testing::Test {
 protected:
  PluginWithoutABroker() {
    dir_ = std::filesystem::path(testing::TempDir()) / ("parley-" + random_id(8));
    std::filesystem::create_directories(dir_);
    std::ofstream(dir_ / "secret") << kSecret << "\n";
    std::filesystem::permissions(dir_ / "secret", std::filesystem::perms::owner_read);
    options_.data_dir = dir_ / "data";
    options_.backend_secret_file = dir_ / "secret";
    options_.scram = true;
    open();
  }
  ~PluginWithoutABroker() override {
    parley_.reset();
    std::filesystem::remove_all(dir_);
  }

  void open() {
    parley_.reset();
    auto opened = Parley::open(options_, broker_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    parley_ = std::move(*opened);
    broker_.on_kick = [this](const std::string& device) { parley_->disconnected({.key = &keys_[device]}); };
  }

  Client client(const std::string& user, const std::string& device) {
    return Client{.key = &keys_[device],
                  .id = names_.emplace_back(device),
                  .username = names_.emplace_back(user),
                  .address = "127.0.0.1",
                  .protocol = 5};
  }
  LoginVerdict login(const std::string& user, const std::string& device, const char* password = kToken) {
    std::string renamed;
    return parley_->login(client(user, device), user.c_str(), password, renamed);
  }
  bool send(const std::string& user, const std::string& device, std::string_view payload) {
    const auto c = client(user, device);
    if (parley_->check(c, {.access = Access::write, .topic = "rooms/lab/send", .payload = payload}) !=
        AclDecision::allow)
      return false;
    bool retain = true;
    std::string after;
    const bool taken = parley_->message(
        c, "rooms/lab/send", payload, [] { return Properties{}; }, retain, after);
    EXPECT_EQ(after, "");
    EXPECT_FALSE(retain && taken);
    return taken;
  }
  // One command and its answer.
  wire::Reply command(wire::Command command, const std::string& device = "parleyd-1") {
    command.id = "c";
    parley_->control(client("$parleyd", device), wire::format_command(command));
    const auto before = broker_.on(wire::kControlReplyTopic).size();
    parley_->tick();
    const auto replies = broker_.on(wire::kControlReplyTopic);
    return replies.size() > before ? *wire::parse_reply(replies.back()) : wire::Reply{};
  }
  void attach() {
    ASSERT_EQ(login("$parleyd", "parleyd-1", kSecret), LoginVerdict::accept);
    const auto reply = command({.body = wire::Attach{.directory = "dir1"}});
    ASSERT_TRUE(reply.ok) << reply.message;
    const auto ok = *wire::attach_ok_from_json(reply.result);
    generation_ = ok.generation;
    EXPECT_FALSE(ok.renewed);
  }
  // alice, who logs in by kToken, and room lab with her in it.
  void fill() {
    const auto digest = sha256(kToken);
    wire::DirectoryReplace part{.directory = "dir1", .to = 3, .last = true};
    part.changes = {
        wire::UserPut{.name = "alice"}, wire::UserPut{.name = "bob"},
        wire::TokenPut{.id = std::string(26, '0'), .user = "alice", .sha256 = std::string(as_view(digest))},
        wire::RoomPut{.id = 7, .name = "lab", .epoch = "e1"},
        wire::MemberPut{.room = 7, .user = "alice", .role = wire::Role::member}};
    auto reply = command({.generation = generation_, .body = part});
    for (int i = 0; i < 1000 && reply.id.empty();
         ++i) {  // put in place by a thread: a bounded number of short waits
      usleep(2000);
      const auto before = broker_.on(wire::kControlReplyTopic).size();
      parley_->tick();
      if (auto replies = broker_.on(wire::kControlReplyTopic); replies.size() > before)
        reply = *wire::parse_reply(replies.back());
    }
    ASSERT_TRUE(reply.ok) << reply.message;
    ASSERT_TRUE(command({.generation = generation_, .body = wire::FeedStart{}}).ok);
  }

  void change(const wire::DirectoryChange& one) {
    wire::DirectoryApply apply{.from = version_, .to = version_ + 1, .changes = {one}};
    ++version_;
    ASSERT_TRUE(command({.generation = generation_, .body = apply}).ok);
  }
  AclDecision check_read(const std::string& user, const std::string& device) {
    return parley_->check(client(user, device), {.access = Access::read, .topic = "rooms/lab/messages"});
  }
  json newest_notice() { return json::parse(broker_.on("users/alice/inbox").back()); }

  std::filesystem::path dir_;
  Options options_;
  FakeClock clock_;
  RecordingBroker broker_;
  std::unique_ptr<Parley> parley_;
  std::map<std::string, char> keys_;
  std::deque<std::string> names_;
  std::uint64_t generation_ = 0, version_ = 3;
};

}  // namespace parley::plugin
