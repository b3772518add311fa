#include "tools/parleyctl/history.h"

#include <algorithm>

#include "wire/limits.h"

namespace parley::ctl {
namespace {

struct Span {
  std::uint64_t after = 0, through = 0;  // messages after+1 … through
};

Outcome<Span> span_of(Requests& requests, const HistoryRange& range) {
  auto newest = requests.call("history", {{"room", range.room}, {"limit", 1}});
  if (!newest) return std::unexpected(newest.error());
  const auto last = newest->value("through", std::uint64_t{0});
  if (range.after) {
    const auto after = std::max(*range.after, newest->value("first_seq", std::uint64_t{1}) - 1);
    return Span{after, range.limit < last ? std::min(last, after + range.limit) : last};
  }
  const auto through = range.before ? std::min(last, std::max<std::uint64_t>(*range.before, 1) - 1) : last;
  return Span{through - std::min(through, range.limit), through};
}

}  // namespace

Outcome<> read_history(Requests& requests, const HistoryRange& range, const EachMessage& each) {
  auto span = span_of(requests, range);
  if (!span) return std::unexpected(span.error());
  while (span->after < span->through) {
    const auto limit = std::min<std::uint64_t>(span->through - span->after, wire::kHistoryLimitMax);
    auto page = requests.call("history", {{"room", range.room}, {"after", span->after}, {"limit", limit}});
    if (!page) return std::unexpected(page.error());
    const auto before = span->after;
    for (const auto& message : page->value("messages", Json::array())) {
      const auto seq = message.value("seq", std::uint64_t{0});
      if (seq > span->through) return {};
      if (!each(message)) return {};
      span->after = std::max(span->after, seq);
    }
    if (span->after == before) return {};  // an empty page: nothing more is there
  }
  return {};
}

}  // namespace parley::ctl
