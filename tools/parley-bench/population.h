#pragma once
#include <cstddef>
#include <vector>

#include "tools/parley-bench/contender.h"

namespace parley::bench {

// Makes users `first` … `first + count - 1`, each with a device token, by requests. Their logins, in order.
Result<std::vector<Login>> create_users(ParleyServer& server, std::size_t first, std::size_t count);

// Makes rooms 0 … `rooms - 1` with users 0 … `members - 1` in each.
Result<> create_rooms(ParleyServer& server, std::size_t rooms, std::size_t members);

}  // namespace parley::bench
