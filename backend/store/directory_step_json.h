#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/control.h"

namespace parley::backend {

// The text in which steps of the Directory log are kept: JSON arrays. Reading gives corrupt when the text is
// not what was written.
std::string changes_to_text(const std::vector<wire::DirectoryChange>& changes);
Result<std::vector<wire::DirectoryChange>> changes_from_text(std::string_view text);
std::string entries_to_text(const std::vector<wire::AppendEntry>& entries);
Result<std::vector<wire::AppendEntry>> entries_from_text(std::string_view text);

}  // namespace parley::backend
