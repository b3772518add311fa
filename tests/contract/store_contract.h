#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backend/store/stores.h"
#include "base/clock.h"
#include "tests/fakes/records.h"

namespace parley::backend {

// One implementation of the stores, over a database of its own that was empty at first.
class StoreBackend {
 public:
  virtual ~StoreBackend() = default;
  // Closes and opens it again.
  virtual Stores open(const Clock& clock) = 0;
};

// What the contract suites run over: one for each implementation. The Directory log is to keep
// kStepsKept steps.
struct StoreFactory {
  std::string name;
  std::function<std::unique_ptr<StoreBackend>()> make;
  std::function<std::string()> why_not;  // "": it can be tried here
};
inline constexpr std::uint32_t kStepsKept = 50;
std::vector<StoreFactory> store_factories();
// The same, with copies of marks in a cache before them.
std::vector<StoreFactory> cached_mark_factories();
inline void PrintTo(const StoreFactory& factory, std::ostream* out) {
  *out << factory.name;
}

class StoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override;  // skips what can't be tried here
  void reopen() {
    stores_ = {};
    stores_ = backend_->open(clock_);
  }

  // Accounts and rooms for tests that are about something else.
  void add_user(const std::string& name);
  Room add_room(const std::string& name, const std::string& owner);
  std::vector<DirectoryStep> steps_after(std::uint64_t version, std::uint32_t limit = 1000);
  std::vector<wire::DirectoryChange> snapshot();

  MessageStore& messages() { return *stores_.messages; }
  RoomStore& rooms() { return *stores_.rooms; }
  MarkStore& marks() { return *stores_.marks; }
  UserStore& users() { return *stores_.users; }
  DirectoryLog& directory() { return *stores_.directory; }
  PresenceStore& presence() { return *stores_.presence; }
  DeviceStore& devices() { return *stores_.devices; }
  PushStore& push() { return *stores_.push; }
  NotifyStore& notify() { return *stores_.notify; }
  NotifyDelivery& deliveries() { return *stores_.deliveries; }

  FakeClock clock_;
  std::unique_ptr<StoreBackend> backend_;
  Stores stores_;
};

// The errors' code, or nothing where it went well.
template <class T>
std::optional<Errc> code_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().code);
}

}  // namespace parley::backend
