#include "wire/envelope.h"

#include <array>
#include <charconv>
#include <limits>

#include "base/encoding.h"
#include "wire/json_scan.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

using Kind = Member::Kind;

template <class Integer>
void append_integer(std::string& out, std::string_view prefix, Integer value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(prefix).append(digits.data(), end);
}

// For values without anything to escape: names, roles, types, epochs.
void append_plain(std::string& out, std::string_view prefix, std::string_view value) {
  out.append(prefix).append(value) += '"';
}

constexpr std::array<std::string_view, 13> kNames{"seq",      "epoch",   "id",     "room", "from",
                                                  "role",     "device",  "at",     "type", "ref",
                                                  "imported", "sent_at", "content"};
enum : std::size_t {
  kSeq,
  kEpoch,
  kId,
  kRoom,
  kFrom,
  kRole,
  kDevice,
  kAt,
  kType,
  kRef,
  kImported,
  kSentAt,
  kContent
};
using Members = std::array<Member, kNames.size()>;

bool is_or_absent(const Member& m, Kind kind) {
  return m.is(kind) || m.is(Kind::absent);
}

// The first member that is missing or of another type; "" when all are right.
std::string_view wrong_member(const Members& m) {
  for (std::size_t i : {kSeq, kAt}) {
    if (!m[i].is(Kind::natural)) return m[i].name;
  }
  for (std::size_t i : {kEpoch, kId, kRoom, kFrom, kType}) {
    if (!m[i].is(Kind::string)) return m[i].name;
  }
  for (std::size_t i : {kRole, kDevice, kRef}) {
    if (!is_or_absent(m[i], Kind::string)) return m[i].name;
  }
  if (!is_or_absent(m[kImported], Kind::boolean)) return m[kImported].name;
  if (!is_or_absent(m[kSentAt], Kind::natural)) return m[kSentAt].name;
  for (std::size_t i : {kAt, kSentAt}) {
    if (m[i].natural > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return m[i].name;
  }
  if (!m[kContent].is(Kind::composite) || !m[kContent].text.starts_with('{')) return m[kContent].name;
  return {};
}

}  // namespace

void append_envelope(std::string& out, const Envelope& e) {
  append_integer(out, R"({"seq":)", e.seq);
  append_plain(out, R"(,"epoch":")", e.epoch);
  out += R"(,"id":")";
  append_ulid(out, e.id);
  append_plain(out, R"(","room":")", e.room);
  append_plain(out, R"(,"from":")", e.from);
  if (!e.role.empty()) append_plain(out, R"(,"role":")", e.role);
  if (!e.device.empty()) append_plain(out, R"(,"device":")", e.device);
  append_integer(out, R"(,"at":)", e.at);
  append_plain(out, R"(,"type":")", e.type);
  if (!e.ref.empty()) {
    out += R"(,"ref":")";
    append_json_escaped(out, e.ref);
    out += '"';
  }
  if (e.imported) out += R"(,"imported":true)";
  if (e.sent_at != 0) append_integer(out, R"(,"sent_at":)", e.sent_at);
  out.append(R"(,"content":)").append(e.content) += '}';
}

std::string format_envelope(const Envelope& e) {
  std::string out;
  out.reserve(e.content.size() + 512);
  append_envelope(out, e);
  return out;
}

Result<Envelope> parse_envelope(std::string_view json) {
  Members m;
  for (std::size_t i = 0; i < m.size(); ++i) m[i].name = kNames[i];
  m[kContent].keep_json = true;
  if (const auto members = scan_object(json, "The envelope", m, kContentDepthMax + 1); !members) {
    return fail(Errc::invalid_argument, members.error().reason);
  }
  if (const std::string_view name = wrong_member(m); !name.empty()) {
    return fail(Errc::invalid_argument, "The envelope's `" + std::string(name) + "` is missing or wrong.");
  }
  const auto id = parse_ulid(m[kId].text);
  if (!id) return fail(Errc::invalid_argument, "The envelope's `id` is no ULID.");
  return Envelope{.seq = m[kSeq].natural,
                  .epoch = std::move(m[kEpoch].text),
                  .id = *id,
                  .room = std::move(m[kRoom].text),
                  .from = std::move(m[kFrom].text),
                  .role = std::move(m[kRole].text),
                  .device = std::move(m[kDevice].text),
                  .at = static_cast<std::int64_t>(m[kAt].natural),
                  .type = std::move(m[kType].text),
                  .ref = std::move(m[kRef].text),
                  .imported = m[kImported].flag,
                  .sent_at = static_cast<std::int64_t>(m[kSentAt].natural),
                  .content = std::move(m[kContent].text)};
}

}  // namespace parley::wire
