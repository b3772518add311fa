#pragma once
#include <string>

#include "base/text_fold.h"

namespace parley::backend {

// What a search of public rooms looks into: a text folded by fold_text is in it when it is in the name or in the title.
inline std::string room_search_key(const std::string& name, const std::string& title) {
  return fold_text(name) + "\n" + fold_text(title);
}

}  // namespace parley::backend
