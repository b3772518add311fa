#include "backend/store/replicated_message_store.h"

#include <algorithm>

namespace parley::backend {

Result<Page> ReplicatedMessageStore::page(const PageQuery& query) {
  if (!query.head || replicas_.empty()) return primary_->page(query);
  const auto needed = std::max(query.head->last_seq, query.after.value_or(0));
  auto page = replicas_[next_++ % replicas_.size()]->page(query);
  if (page && page->through >= needed && page->expired >= query.head->expired) return page;
  return primary_->page(query);
}

}  // namespace parley::backend
