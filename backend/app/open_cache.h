#pragma once
#include "backend/cache/make_cache.h"
#include "backend/config/config.h"
#include "backend/store/stores.h"

namespace parley::backend {

// The cache of `config.cache`; its keys bear the id of the Directory in `stores`. `clock` must outlive it.
// Errors: those of make_cache and of the password's file; unavailable (the store).
Result<MadeCache> open_cache(const Config& config, Stores& stores, const Clock& clock, const LogSink& log);

// The configuration's part of that alone: whether such a cache can be made.
Result<> try_cache(const Config& config, const Clock& clock);

}  // namespace parley::backend
