#pragma once
#include <cstdint>
#include <string>

namespace parley::backend {

// One of the databases messages are spread over, for people.
struct ShardStatus {
  std::string id;        // of the database itself
  std::string database;  // its address, without the password
  bool answers = false;  // the rest is known only then
  std::uint64_t rooms = 0, messages = 0;
  std::uint64_t offset = 0;  // its feed position
};

}  // namespace parley::backend
