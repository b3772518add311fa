#pragma once
#include <string>

#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// The way in for whoever has the database: makes `name` an enabled administrator, as a new account when there
// is none, and gives a new token of theirs ("plt_…", told only here). The broker's plugin learns of it with
// the next change, or when it attaches. Errors: invalid_argument (name is not legal), already_exists (the
// name is taken in another case), those of UserStore.
Result<std::string> create_admin(Stores& stores, const std::string& name, const Clock& clock);

}  // namespace parley::backend
