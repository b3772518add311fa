#include "tests/fakes/records.h"

#include "wire/envelope.h"

namespace parley::backend {
namespace {

Ulid id_of(std::uint64_t room_id, std::uint64_t seq, int variant) {
  Ulid id{};
  for (int i = 0; i < 6; ++i) id[i] = static_cast<unsigned char>(room_id >> (8 * i));
  for (int i = 0; i < 8; ++i) id[6 + i] = static_cast<unsigned char>(seq >> (8 * i));
  id[15] = static_cast<unsigned char>(variant);
  return id;
}

std::int64_t at_of(std::uint64_t seq) {
  return 1'795'314'673'123 + static_cast<std::int64_t>(seq);
}

}  // namespace

std::string envelope_of(std::uint64_t room_id, const Records::Said& said) {
  return wire::format_envelope({.seq = said.seq,
                                .epoch = "k3x97q2m",
                                .id = id_of(room_id, said.seq, 0),
                                .room = "room" + std::to_string(room_id),
                                .from = said.from,
                                .role = said.role,
                                .device = {},
                                .at = at_of(said.seq),
                                .type = said.type,
                                .ref = {},
                                .imported = (said.flags & wire::kRecordImported) != 0,
                                .content = said.content});
}

std::string envelope_of(std::uint64_t room_id, std::uint64_t seq, int variant, std::size_t padding) {
  return "{\"seq\":" + std::to_string(seq) + ",\"room\":" + std::to_string(room_id) +
         ",\"variant\":" + std::to_string(variant) + ",\"content\":{\"text\":\"" + std::string(padding, 'x') +
         "\"}}";
}

std::vector<std::string> envelopes_of(std::uint64_t room_id, std::uint64_t first, std::uint64_t last) {
  std::vector<std::string> envelopes;
  for (auto seq = first; seq <= last; ++seq) envelopes.push_back(envelope_of(room_id, seq));
  return envelopes;
}

Records& Records::add(std::uint64_t room_id, std::uint64_t seq, int variant, std::size_t padding) {
  records_.push_back({.room_id = room_id,
                      .seq = seq,
                      .at_ms = at_of(seq),
                      .id = id_of(room_id, seq, variant),
                      .room = texts_->emplace_back("room" + std::to_string(room_id)),
                      .from = "alice",
                      .type = "text",
                      .ref = "",
                      .envelope = texts_->emplace_back(envelope_of(room_id, seq, variant, padding))});
  return *this;
}

Records& Records::say(std::uint64_t room_id, const Said& said) {
  records_.push_back({.room_id = room_id,
                      .seq = said.seq,
                      .at_ms = at_of(said.seq),
                      .id = id_of(room_id, said.seq, 0),
                      .flags = said.flags,
                      .room = texts_->emplace_back("room" + std::to_string(room_id)),
                      .from = texts_->emplace_back(said.from),
                      .type = texts_->emplace_back(said.type),
                      .ref = "",
                      .envelope = texts_->emplace_back(envelope_of(room_id, said))});
  return *this;
}

Records& Records::add_range(std::uint64_t room_id, std::uint64_t first, std::uint64_t last) {
  for (auto seq = first; seq <= last; ++seq) add(room_id, seq);
  return *this;
}

}  // namespace parley::backend
