#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tools/parleyctl/requests.h"

namespace parley::ctl {

using RefSeqs = std::unordered_map<std::string, std::uint64_t>;

// The imported entries of a room whose ref begins with `prefix`, by ref. Reads the whole room, page by page.
Outcome<RefSeqs> imported_refs(Requests& requests, const std::string& room, std::string_view prefix);

}  // namespace parley::ctl
