#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include "backend/requests/fake_broker.h"
#include "backend/requests/make_dispatcher.h"
#include "backend/store/sqlite_stores.h"
#include "base/ids.h"

namespace parley::backend {

using wire::Json;

// A dispatcher over real stores and a fake broker. Accounts: root (administrator), alice, bob, carol, dave.
class RequestsTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  virtual DispatcherOptions options();
  void restart_with(DispatcherOptions options);

  // Sends a request and waits for its reply.
  wire::Reply call(const std::string& user, const std::string& method, const Json& params = Json::object());
  std::future<std::string> send(const std::string& user, const std::string& method,
                                const std::string& payload);
  // The result of a request that must succeed; the code of one that must not ("" when it did).
  Json ok(const std::string& user, const std::string& method, const Json& params = Json::object());
  std::string refused(const std::string& user, const std::string& method,
                      const Json& params = Json::object());

  // A room of alice's with bob as moderator, carol as member.
  Room make_lab(const Json& extra = Json::object());
  Room room(const std::string& name) { return *stores_.rooms->find(name); }
  // Puts messages 1…last into a room, as the feed does.
  void store_messages(std::uint64_t room_id, std::uint64_t last, std::size_t padding = 0);
  // The entries of the newest step of the Directory log.
  std::vector<wire::AppendEntry> newest_entries();

  FakeClock clock_;
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("parley-requests-" + random_id(12));
  Stores stores_;
  FakeBrokerControl broker_;
  FakePublisher publisher_;
  FakeRoomEvents events_;
  FakeLivePresence presence_;
  std::unique_ptr<Dispatcher> dispatcher_;

 private:
  std::uint64_t feed_offset_ = 0;
};

}  // namespace parley::backend
