#include "tools/parleyctl/imported_refs.h"

#include "wire/limits.h"

namespace parley::ctl {

Outcome<RefSeqs> imported_refs(Requests& requests, const std::string& room, std::string_view prefix) {
  RefSeqs seqs;
  Json params{{"room", room}, {"limit", wire::kHistoryLimitMax}, {"after", 0}};
  for (;;) {
    auto page = requests.call("history", params);
    if (!page) return std::unexpected(page.error());
    const auto messages = page->value("messages", Json::array());
    for (const auto& message : messages) {
      auto ref = message.value("ref", std::string{});
      if (message.value("imported", false) && ref.starts_with(prefix))
        seqs.emplace(std::move(ref), message.value("seq", std::uint64_t{0}));
    }
    if (messages.empty() || !page->value("more", false)) return seqs;
    params["after"] = messages.back().value("seq", std::uint64_t{0});
  }
}

}  // namespace parley::ctl
