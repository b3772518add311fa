#include "tools/parleyctl/append_batch.h"

#include "wire/limits.h"

namespace parley::ctl {
namespace {

constexpr std::size_t kBatchBytes =
    200 * 1024;  // below wire::kRequestMax, with room for the request around it

bool try_again(const std::string& code) {
  return code == "unavailable" || code == "timeout" || code == "in_doubt" || code == "backlog_full" ||
         code == "rate_limited";
}

}  // namespace

Outcome<> AppendBatch::add(Json entry) {
  const auto size = entry.dump().size() + 1;
  if (entries_.size() == wire::kAppendMax || bytes_ + size > kBatchBytes) {
    if (auto sent = flush(); !sent) return sent;
  }
  entries_.push_back(std::move(entry));
  bytes_ += size;
  return {};
}

Outcome<> AppendBatch::flush() {
  if (entries_.empty()) return {};
  auto seqs = send();
  if (!seqs) return std::unexpected(seqs.error());
  entries_ = Json::array();
  bytes_ = 0;
  return taken_(*seqs);
}

Outcome<std::vector<std::uint64_t>> AppendBatch::send() {
  for (int tries = 1;; ++tries) {
    auto result = requests_.call("append", {{"room", room_}, {"entries", entries_}});
    if (result && result->value("seqs", Json::array()).size() == entries_.size())
      return result->at("seqs").get<std::vector<std::uint64_t>>();
    if (result)
      return refused("internal", "The server took an append but did not number all of its entries.");
    if (!try_again(result.error().code) || !wait_(tries)) return std::unexpected(result.error());
  }
}

}  // namespace parley::ctl
