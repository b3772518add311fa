#pragma once
#include <string>
#include <vector>

#include "backend/cache/cache_url.h"
#include "backend/config/config.h"
#include "base/result.h"

namespace parley::backend {

// Whether `cache` is a URL of a cache. invalid_argument: a line to show, without the URL.
Result<> check_cache(const Config& config);

// A password in the URL must be nowhere where others can read it: not on the command line (`overrides`), nor
// in a file others may read. permission_denied: a line to show.
Result<> check_cache_secrecy(const Config& config, const std::string& file,
                             const std::vector<std::string>& overrides);

// The password for Redis that goes before the URL's: PARLEY_CACHE_PASSWORD, else cache_password_file; "" when
// neither is given. read_secret_file's errors.
Result<std::string> cache_password(const Config& config);

}  // namespace parley::backend
