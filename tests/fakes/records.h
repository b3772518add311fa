#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wire/record.h"

namespace parley::backend {

// Records of a feed batch; keeps what their views point at, and shares it with its copies.
class Records {
 public:
  // Each is the same wherever room, seq and `variant` are: a variant is another message of the same number.
  Records& add(std::uint64_t room_id, std::uint64_t seq, int variant = 0, std::size_t padding = 0);
  Records& add_range(std::uint64_t room_id, std::uint64_t first, std::uint64_t last);
  // An entry as clients send it: `content` is JSON. The role is left out when "".
  struct Said {
    std::uint64_t seq = 0;
    std::string from = "alice";
    std::string type = "text";
    std::string content = R"({"text":"hi"})";
    std::string role = "member";
    std::uint8_t flags = 0;
  };
  Records& say(std::uint64_t room_id, const Said& said);
  std::span<const wire::Record> span() const { return records_; }

 private:
  std::shared_ptr<std::deque<std::string>> texts_ = std::make_shared<std::deque<std::string>>();
  std::vector<wire::Record> records_;
};
std::string envelope_of(std::uint64_t room_id, std::uint64_t seq, int variant = 0, std::size_t padding = 0);
// What say() makes.
std::string envelope_of(std::uint64_t room_id, const Records::Said& said);
std::vector<std::string> envelopes_of(std::uint64_t room_id, std::uint64_t first, std::uint64_t last);

}  // namespace parley::backend
