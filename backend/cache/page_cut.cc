#include "backend/cache/page_cut.h"

#include <algorithm>

namespace parley::backend {
namespace {

// Messages taken one by one while a page has room for them; the first one always fits.
class Room {
 public:
  explicit Room(const PageQuery& query) : limit_(query.limit), max_bytes_(query.max_bytes) {}
  bool take(const std::string& envelope) {
    if (taken_ == limit_ || (taken_ > 0 && bytes_ + envelope.size() > max_bytes_)) return false;
    ++taken_;
    bytes_ += envelope.size();
    return true;
  }

 private:
  std::uint32_t limit_;
  std::size_t max_bytes_;
  std::uint32_t taken_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

std::optional<SeqRange> seqs_for(const PageQuery& query, std::uint64_t newest, std::uint64_t oldest) {
  if (query.limit == 0) return std::nullopt;
  if (query.after) {
    const auto after = std::max(*query.after, oldest - 1);
    if (after >= newest) return std::nullopt;
    return SeqRange{after + 1, after + std::min<std::uint64_t>(query.limit, newest - after)};
  }
  if (query.before && *query.before <= oldest) return std::nullopt;
  const auto last = query.before ? std::min(*query.before - 1, newest) : newest;
  return SeqRange{std::max(last > query.limit ? last - query.limit : 1, oldest), last};
}

std::optional<Page> cut_page(const PageQuery& query, std::uint64_t newest, std::uint64_t last,
                             std::span<const std::string> envelopes, std::uint64_t oldest) {
  if (envelopes.empty()) return std::nullopt;
  const auto first = last - envelopes.size() + 1;
  Page page{.through = newest, .expired = oldest - 1};
  Room room(query);
  std::size_t taken = 0;
  if (query.after) {
    const auto after = std::max(*query.after, oldest - 1);
    if (first > after + 1) return std::nullopt;
    const auto from = envelopes.subspan(after + 1 - first);
    while (taken < from.size() && room.take(from[taken])) ++taken;
    page.envelopes.assign(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(taken));
    page.more = after + taken < newest;
    return page;
  }
  while (taken < envelopes.size() && room.take(envelopes[envelopes.size() - 1 - taken])) ++taken;
  if (taken == envelopes.size() && first > oldest) return std::nullopt;  // is there an older one? how large?
  page.envelopes.assign(envelopes.end() - static_cast<std::ptrdiff_t>(taken), envelopes.end());
  page.more = taken < envelopes.size();
  return page;
}

std::size_t dense_tail(std::span<const std::string> envelopes, std::uint64_t last) {
  std::size_t count = 0;
  while (count < envelopes.size() && count < last &&
         seq_of_envelope(envelopes[envelopes.size() - 1 - count]) == last - count)
    ++count;
  return count;
}

}  // namespace parley::backend
