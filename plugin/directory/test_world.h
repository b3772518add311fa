#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "base/encoding.h"
#include "plugin/directory/directory.h"

// What the tests of the Directory share.
namespace parley::plugin::testing {

using Changes = std::vector<wire::DirectoryChange>;

inline std::string digest(std::string_view text) {
  return std::string(as_view(sha256(text)));
}

inline std::string verifier(std::string_view salt) {
  return format_scram({std::string(salt), 1, std::string(32, 's'), std::string(32, 'k')});
}

inline Effects apply(Directory& directory, const wire::DirectoryChange& change) {
  Effects effects;
  const auto ok = directory.apply(change, effects);
  EXPECT_TRUE(ok) << (ok ? "" : ok.error().message);
  return effects;
}

inline Errc refusal(Directory& directory, const wire::DirectoryChange& change) {
  Effects effects;
  const auto ok = directory.apply(change, effects);
  EXPECT_FALSE(ok);
  EXPECT_TRUE(effects.empty());
  return ok ? Errc::internal : ok.error().code;
}

inline Effect kick_user(Effect::Reason reason, std::string name) {
  return {Effect::Kind::kick_user, reason, std::move(name)};
}
inline Effect kick_token(Effect::Reason reason, std::string id) {
  return {Effect::Kind::kick_token, reason, std::move(id)};
}

// All of a Directory as text, in one order whatever its history: equal texts are equal Directories.
inline std::set<std::string> contents(const Directory& directory) {
  std::set<std::string> all;
  directory.for_each_change([&](const wire::DirectoryChange& change) {
    std::string bytes;
    wire::append_change(bytes, change);
    all.insert(hex_encode(bytes));
  });
  return all;
}

// A folder that is gone with the test.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "parley-directory-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Random changes that apply, over few names, so that they meet each other often.
class RandomChanges {
 public:
  explicit RandomChanges(std::uint64_t seed) : random_(seed) {}

  wire::DirectoryChange next() {
    switch (below(13)) {
      case 0:
        return wire::UserPut{user(), below(4) == 0, below(4) == 0, below(2) ? "" : verifier(text("salt", 3))};
      case 1:
        return wire::TokenPut{text("token", 6), user(), digest(text("secret", 6)),
                              static_cast<int>(below(2))};
      case 2:
        return wire::TokenDrop{text("token", 6)};
      case 3:
        return wire::RoomPut{
            1 + below(8),     text("room", 8), wire::RoomKind{static_cast<unsigned char>(below(3))},
            text("epoch", 3), below(9),        below(3) ? 0 : static_cast<std::uint32_t>(below(40))};
      case 4:
        return wire::RoomDrop{1 + below(8)};
      case 5:
        return wire::MutePut{1 + below(8), user(), static_cast<std::int64_t>(below(3))};
      default:
        break;
    }
    const bool banned = below(6) == 0;
    const auto role = static_cast<wire::Role>(banned ? 0 : below(5));
    return wire::MemberPut{1 + below(8), user(), role, banned};
  }
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

 private:
  std::string text(const char* stem, std::uint64_t bound) { return stem + std::to_string(below(bound)); }
  // Sometimes in other case, which must be refused; sometimes too long to be kept in place.
  std::string user() {
    const auto i = below(12);
    if (i == 0) return "USER1";
    return (i % 2 ? "user" : "a-user-whose-name-is-quite-long.") + std::to_string(i);
  }

  std::mt19937_64 random_;
};

}  // namespace parley::plugin::testing
