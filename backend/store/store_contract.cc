#include "backend/store/store_contract.h"

#include <filesystem>

#include "backend/store/sqlite_stores.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

class SqliteBackend final : public StoreBackend {
 public:
  SqliteBackend() : folder_(std::filesystem::temp_directory_path() / ("parley-store-" + random_id(12))) {
    std::filesystem::create_directory(folder_);
  }
  ~SqliteBackend() override { std::filesystem::remove_all(folder_); }

  Stores open(const Clock& clock) override {
    auto stores = open_sqlite_stores(folder_ / "parley.db", {.directory_steps_kept = kStepsKept}, clock);
    if (!stores) throw std::runtime_error(stores.error().message);
    return std::move(*stores);
  }

 private:
  std::filesystem::path folder_;
};

Ulid id_of(std::uint64_t room_id, std::uint64_t seq, int variant) {
  Ulid id{};
  for (int i = 0; i < 6; ++i) id[i] = static_cast<unsigned char>(room_id >> (8 * i));
  for (int i = 0; i < 8; ++i) id[6 + i] = static_cast<unsigned char>(seq >> (8 * i));
  id[15] = static_cast<unsigned char>(variant);
  return id;
}

}  // namespace

std::vector<StoreFactory> store_factories() {
  return {{"sqlite", [] { return std::make_unique<SqliteBackend>(); }}};
}

std::string envelope_of(std::uint64_t room_id, std::uint64_t seq, int variant, std::size_t padding) {
  return "{\"seq\":" + std::to_string(seq) + ",\"room\":" + std::to_string(room_id) +
         ",\"variant\":" + std::to_string(variant) + ",\"content\":{\"text\":\"" + std::string(padding, 'x') +
         "\"}}";
}

std::vector<std::string> envelopes_of(std::uint64_t room_id, std::uint64_t first, std::uint64_t last) {
  std::vector<std::string> envelopes;
  for (auto seq = first; seq <= last; ++seq) envelopes.push_back(envelope_of(room_id, seq));
  return envelopes;
}

Records& Records::add(std::uint64_t room_id, std::uint64_t seq, int variant, std::size_t padding) {
  records_.push_back({.room_id = room_id,
                      .seq = seq,
                      .at_ms = 1'795'314'673'123 + static_cast<std::int64_t>(seq),
                      .id = id_of(room_id, seq, variant),
                      .room = texts_->emplace_back("room" + std::to_string(room_id)),
                      .from = "alice",
                      .type = "text",
                      .ref = "",
                      .envelope = texts_->emplace_back(envelope_of(room_id, seq, variant, padding))});
  return *this;
}

Records& Records::add_range(std::uint64_t room_id, std::uint64_t first, std::uint64_t last) {
  for (auto seq = first; seq <= last; ++seq) add(room_id, seq);
  return *this;
}

void StoreContract::add_user(const std::string& name) {
  auto made = users().create({.name = name, .title = "", .scram = ""});
  ASSERT_TRUE(made) << made.error().message;
}

Room StoreContract::add_room(const std::string& name, const std::string& owner) {
  if (!users().find(owner)) add_user(owner);
  auto made = rooms().create({.name = name, .title = "", .members = {{owner, wire::Role::owner}}});
  if (!made) throw std::runtime_error(made.error().message);
  return made->value;
}

std::vector<DirectoryStep> StoreContract::steps_after(std::uint64_t version, std::uint32_t limit) {
  auto steps = directory().steps_after(version, limit);
  if (!steps) throw std::runtime_error(steps.error().message);
  return *steps;
}

std::vector<wire::DirectoryChange> StoreContract::snapshot() {
  std::vector<wire::DirectoryChange> all;
  auto version = directory().snapshot(2, [&](std::vector<wire::DirectoryChange> part) -> Result<> {
    EXPECT_LE(part.size(), 2u);
    EXPECT_FALSE(part.empty());
    all.insert(all.end(), part.begin(), part.end());
    return {};
  });
  EXPECT_EQ(version, directory().version());
  return all;
}

}  // namespace parley::backend
