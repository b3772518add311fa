#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "backend/cache/cache.h"
#include "backend/store/message_store.h"
#include "wire/entry.h"

// Pages from a room's newest messages alone. Pure.
namespace parley::backend {

// The numbers that must be known to answer `query` of a room that has `oldest` to `newest` (1 ≤ oldest ≤ newest), one more than
// the page holds where that tells `more`. nullopt: none (limit 0, nothing before `oldest`, nothing after `newest`).
std::optional<SeqRange> seqs_for(const PageQuery& query, std::uint64_t newest, std::uint64_t oldest = 1);

// The page, as the store would give it, from the messages that end with `last` = seqs_for().last and follow
// each other without a hole. nullopt: too few of them.
std::optional<Page> cut_page(const PageQuery& query, std::uint64_t newest, std::uint64_t last,
                             std::span<const std::string> envelopes, std::uint64_t oldest = 1);

using wire::seq_of_envelope;

// How many of the last of `envelopes` follow each other without a hole and end with `last`.
std::size_t dense_tail(std::span<const std::string> envelopes, std::uint64_t last);

}  // namespace parley::backend
