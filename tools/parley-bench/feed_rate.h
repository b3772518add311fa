#pragma once
#include "tools/parley-bench/store_world.h"

namespace parley::bench {

// Rows a second through parleyd's own feed consumer and the world's store, with as many batches under way as the
// plugin allows. Blocks; timeout when nothing is stored for a minute.
Result<double> feed_rate(StoreWorld& world, const Feed& feed);

}  // namespace parley::bench
