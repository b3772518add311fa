// Whatever a client publishes: it is refused with a sentence, or its envelope is JSON in which the client
// chose nothing outside `content` but `type` and `ref`.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "wire/content.h"
#include "wire/envelope.h"
#include "wire/limits.h"
#include "wire/request.h"

namespace {

using namespace parley;
using namespace parley::wire;

constexpr std::size_t kMaxBytes = 4096;

void require(bool ok) {
  if (!ok) std::abort();
}

void check_refusal(const Refusal& refusal) {
  require(!refusal.reason.empty() && valid_utf8(refusal.reason) && refusal.reason.size() < 512);
}

std::size_t depth_of(const Json& value) {
  std::size_t deepest = 0;
  if (value.is_structured()) {
    for (const Json& child : value) deepest = std::max(deepest, depth_of(child));
    ++deepest;
  }
  return deepest;
}

Envelope sent_by_alice(const Content& content) {
  return {.seq = 17,
          .epoch = "epoch",
          .id = {},
          .room = "lab",
          .from = "alice",
          .role = "member",
          .device = "phone",
          .at = 5,
          .type = content.type,
          .ref = content.ref,
          .content = content.json};
}

void check_envelope(const Content& content) {
  const std::string text = format_envelope(sent_by_alice(content));
  const Json envelope = Json::parse(text);  // throws, and so fails, when it is none
  std::set<std::string> names;
  for (const auto& [name, value] : envelope.items()) names.insert(name);
  std::set<std::string> expected{"seq",  "epoch",  "id", "room", "from",
                                 "role", "device", "at", "type", "content"};
  if (!content.ref.empty()) expected.insert("ref");
  require(names == expected);
  require(envelope["seq"] == 17 && envelope["from"] == "alice" && envelope["room"] == "lab" &&
          envelope["at"] == 5);
  require(envelope["role"] == "member" && envelope["device"] == "phone" && envelope["epoch"] == "epoch");
  require(envelope["type"] == content.type && envelope.value("ref", "") == content.ref);
  require(envelope["content"] == Json::parse(content.json) && envelope["content"].is_object());
  require(depth_of(envelope["content"]) <= kContentDepthMax);

  const auto back = parse_envelope(text);
  require(back.has_value() && Json::parse(back->content) == envelope["content"]);
  require(back->seq == 17 && back->from == "alice" && back->type == content.type && back->ref == content.ref);
  const std::string again = format_envelope(*back);  // without white space now, and so from here on
  require(format_envelope(*parse_envelope(again)) == again);
}

void check_content(std::string_view payload, std::string_view content_type, std::string_view property_ref) {
  const auto content = parse_content(payload, kMaxBytes, content_type, property_ref);
  const std::string peeked = peek_ref(payload, kMaxBytes, property_ref);
  if (!content) {
    check_refusal(content.error());
    const std::string notice = format_refused({content.error().code, content.error().reason}, "lab", peeked);
    require(Json::parse(notice).value("ref", "") == peeked);
    return;
  }
  require(content->ref == peeked && content->ref.size() <= kRefMax && valid_utf8(content->ref));
  require(content->type.size() <= kTypeMax && content->type != "member" && content->type != "room");
  require(valid_utf8(content->json) && content->json.size() <= kContentJsonMax);
  check_envelope(*content);
}

void check_member_to_member(std::string_view payload) {
  if (const auto receipts = parse_receipts(payload)) {
    const Json json = Json::parse(payload);
    require(json.size() <= 2 && json.value("received", std::uint64_t{0}) == receipts->received);
    require(json.value("read", std::uint64_t{0}) == receipts->read);
  } else {
    check_refusal(receipts.error());
  }
  if (const auto typing = check_typing(payload)) {
    const Json json = Json::parse(payload);
    require(json.size() == 1 && json["typing"].is_boolean());
  } else {
    check_refusal(typing.error());
  }
  if (const auto status = check_device_status(payload)) {
    const std::string word = Json::parse(payload)["status"];
    require(word == "online" || word == "away" || word == "offline");
  } else {
    check_refusal(status.error());
  }
}

void check_request(std::string_view payload) {
  const auto request = parse_request("alice", "history", payload);
  if (!request) return check_refusal({request.error().code, request.error().message});
  require(request->params.is_object() && !request->params.contains("id") &&
          request->id.size() <= kRequestIdMax);
  const auto reply = parse_reply(format_reply(request->id, request->params));
  require(reply && reply->ok && reply->id == request->id && reply->result == request->params);
}

}  // namespace

// The first two bytes say how much of the input is Content Type and `ref` property; the rest is the payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (size < 2) return 0;
  const std::size_t type_size = data[0] % 160, ref_size = data[1] % 160;
  input.remove_prefix(2);
  const std::string_view content_type = input.substr(0, type_size);
  input.remove_prefix(content_type.size());
  const std::string_view property_ref = input.substr(0, ref_size);
  input.remove_prefix(property_ref.size());
  check_content(input, content_type, property_ref);
  check_member_to_member(input);
  check_request(input);
  (void)parse_envelope(input);
  (void)parse_reply(input);
  return 0;
}
