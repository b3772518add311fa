#include "backend/store/erased_names.h"

#include "backend/store/message_store.h"
#include "base/encoding.h"
#include "wire/entry.h"

namespace parley::backend {
namespace {

constexpr std::size_t kRememberedMax = 5'000;

void put(wire::Record& record, const wire::Unnamed& text) {
  record.from = text.from;
  record.type = text.type;
  record.ref = text.ref;
  record.envelope = text.envelope;
}

}  // namespace

std::size_t ErasedNames::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

void ErasedNames::load(std::vector<ErasedName> names) {
  std::lock_guard lock(mutex_);
  by_salt_.clear();
  looked_up_.clear();
  count_ = names.size();
  for (auto& name : names) by_salt_[name.salt][name.digest] = std::move(name.pseudonym);
}

std::optional<std::string> ErasedNames::pseudonym_of(std::string_view name) {
  std::lock_guard lock(mutex_);
  if (by_salt_.empty()) return std::nullopt;
  auto key = fold_case(name);
  if (auto known = looked_up_.find(key); known != looked_up_.end()) return known->second;
  std::optional<std::string> found;
  for (const auto& [salt, names] : by_salt_)
    if (auto at = names.find(wire::name_digest(salt, key)); at != names.end()) found = at->second;
  if (looked_up_.size() >= kRememberedMax) looked_up_.clear();
  looked_up_.emplace(std::move(key), found);
  return found;
}

std::optional<UnnamedBatch> ErasedNames::unnamed(std::span<const wire::Record> records) {
  if (count() == 0) return std::nullopt;
  UnnamedBatch batch;
  const auto of = [this](std::string_view name) { return pseudonym_of(name); };
  for (std::size_t i = 0; i < records.size(); ++i) {
    auto text = wire::without_names(records[i], wire::read_entry(records[i]).thread, of);
    if (!text) continue;
    if (batch.records.empty()) batch.records.assign(records.begin(), records.end());
    batch.changed.emplace_back(records[i].room_id, records[i].seq);
    put(batch.records[i], batch.texts.emplace_back(*std::move(text)));
  }
  if (batch.records.empty()) return std::nullopt;
  return batch;
}

void tell_unnamed(const std::optional<UnnamedBatch>& unnamed, StoreOutcome& outcome) {
  if (!unnamed) return;
  outcome.unnamed = unnamed->changed;
  for (const auto& [room, seq] : unnamed->changed) outcome.rewritten.push_back(room);
}

}  // namespace parley::backend
