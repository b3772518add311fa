#pragma once
#include <string_view>

#include "plugin/broker/core.h"
#include "plugin/broker/logins.h"
#include "wire/topics.h"

namespace parley::plugin {

struct AclRequest {
  Access access = Access::read;
  std::string_view topic;
  std::string_view payload;  // of write
  bool retain = false;       // of write
  int qos = 0;               // of write
  int subscriptions = 0;     // of subscribe: how many the session has
};

// The broker's ACL check: decide(), and beside it what can only be judged here: whose connection it is, and the payloads that go straight from member to
// member (typing, receipts, status), since a will is seen nowhere else. Refusals are told to the sender's inbox. For the broker's thread.
class Gate {
 public:
  Gate(Core& core, Logins& logins) : core_(core), logins_(logins) {}
  AclDecision check(const Client& client, const AclRequest& request);

 private:
  AclDecision read(const Client& client, std::string_view topic);
  AclDecision subscribe(const Client& client, const AclRequest& request);
  AclDecision write(const Client& client, const AclRequest& request);
  std::expected<void, wire::Refusal> judge_payload(const wire::Topic& topic, const AclRequest& request);
  std::expected<void, wire::Refusal> judge_typing(const wire::Topic& topic, const AclRequest& request) const;
  std::expected<void, wire::Refusal> judge_receipts(const wire::Topic& topic, std::string_view payload);
  AclQuery query(const Client& client, const AclRequest& request, const Session* session) const;

  Core& core_;
  Logins& logins_;
};

}  // namespace parley::plugin
