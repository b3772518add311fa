#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backend/store/stores.h"
#include "base/clock.h"

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
};
inline constexpr std::uint32_t kStepsKept = 50;
std::vector<StoreFactory> store_factories();
inline void PrintTo(const StoreFactory& factory, std::ostream* out) {
  *out << factory.name;
}

// Records of a feed batch; keeps what their views point at, and shares it with its copies.
class Records {
 public:
  // Each is the same wherever room, seq and `variant` are: a variant is another message of the same number.
  Records& add(std::uint64_t room_id, std::uint64_t seq, int variant = 0, std::size_t padding = 0);
  Records& add_range(std::uint64_t room_id, std::uint64_t first, std::uint64_t last);
  std::span<const wire::Record> span() const { return records_; }

 private:
  std::shared_ptr<std::deque<std::string>> texts_ = std::make_shared<std::deque<std::string>>();
  std::vector<wire::Record> records_;
};
std::string envelope_of(std::uint64_t room_id, std::uint64_t seq, int variant = 0, std::size_t padding = 0);
std::vector<std::string> envelopes_of(std::uint64_t room_id, std::uint64_t first, std::uint64_t last);

class StoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override {
    backend_ = GetParam().make();
    stores_ = backend_->open(clock_);
  }
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
  UserStore& users() { return *stores_.users; }
  DirectoryLog& directory() { return *stores_.directory; }

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
