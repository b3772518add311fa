#pragma once
#include <string>
#include <string_view>

namespace parley {

// `text` with every letter in lower case, whatever its script, so that texts can be compared and searched
// without regard to case (Unicode's simple lower-case mapping; "ß" and "ss" stay apart). Bytes that are not
// UTF-8 stay as they are. Pure; thread-safe.
std::string fold_text(std::string_view text);

}  // namespace parley
