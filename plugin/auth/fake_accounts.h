#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "plugin/auth/accounts.h"
#include "plugin/auth/tokens.h"

namespace parley::plugin {

// Accounts a test fills by hand.
class FakeAccounts final : public Accounts {
 public:
  struct Person {
    User user;
    std::optional<ScramVerifier> scram;
  };
  struct Device {
    std::string id, user;
    std::int64_t expires_ms = 0;
  };

  Person& add(const std::string& name) { return people[name]; }
  Person& add(const std::string& name, std::string_view password) {
    Person& person = people[name];
    person.scram = make_scram_verifier(password, /*iterations=*/16);
    return person;
  }
  void add_token(std::string_view token, Device device) {
    devices[std::string(as_view(token_sha256(token)))] = std::move(device);
  }

  std::optional<User> find_user(std::string_view name) const override {
    auto it = people.find(name);
    return it == people.end() ? std::nullopt : std::optional(it->second.user);
  }
  bool name_blocked(std::string_view name) const override { return blocked.contains(fold_case(name)); }
  bool name_taken(std::string_view name) const override {
    for (const auto& [known, person] : people) {
      if (fold_case(known) == fold_case(name)) return true;
    }
    return false;
  }
  std::optional<ScramVerifier> scram(std::string_view name) const override {
    auto it = people.find(name);
    return it == people.end() ? std::nullopt : it->second.scram;
  }
  std::optional<Token> find_token(const Sha256& digest) const override {
    auto it = devices.find(as_view(digest));
    if (it == devices.end()) return std::nullopt;
    return Token{it->second.id, it->second.user, it->second.expires_ms};
  }

  std::map<std::string, Person, std::less<>> people;
  std::map<std::string, Device, std::less<>> devices;  // by digest
  std::set<std::string> blocked;                       // in lower case
};

}  // namespace parley::plugin
