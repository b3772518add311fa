#include "wire/record.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <limits>

#include "base/crc32c.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "wire/bytes.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

constexpr std::size_t kFixedBody = 64;
constexpr std::size_t kCrcAt = 4;

// Where the fixed members stand in the body.
constexpr std::size_t kRoomIdAt = 0, kSeqAt = 8, kTimeAt = 16, kIdAt = 24, kRefHashAt = 40, kFlagsAt = 56,
                      kLengthsAt = 57, kZerosAt = 61;

constexpr std::size_t padded(std::size_t size) {
  return (size + 7) / 8 * 8;
}

std::size_t body_size(const Record& r) {
  return kFixedBody + r.room.size() + r.from.size() + r.type.size() + r.ref.size() + r.envelope.size();
}

[[maybe_unused]] bool fits(const Record& r) {
  for (const std::string_view text : {r.room, r.from, r.type, r.ref}) {
    if (text.size() > std::numeric_limits<std::uint8_t>::max()) return false;
  }
  return record_size(r) <= kRecordMax;
}

bool all_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

std::uint32_t checksum(const char* record, std::size_t body) {
  const auto* bytes = reinterpret_cast<const std::byte*>(record);
  return crc32c({bytes + kRecordHeader, body}, crc32c({bytes, kCrcAt}));
}

char* put_text(char* out, std::string_view text) {
  return std::copy(text.begin(), text.end(), out);
}

void write_body(const Record& r, char* body) {
  put_le(body + kRoomIdAt, r.room_id);
  put_le(body + kSeqAt, r.seq);
  put_le(body + kTimeAt, static_cast<std::uint64_t>(r.at_ms));
  std::memcpy(body + kIdAt, r.id.data(), r.id.size());
  std::memcpy(body + kRefHashAt, r.ref_hash.data(), r.ref_hash.size());
  body[kFlagsAt] = static_cast<char>(r.flags);
  char* length = body + kLengthsAt;
  for (const std::string_view text : {r.room, r.from, r.type, r.ref})
    *length++ = static_cast<char>(text.size());
  std::memset(body + kZerosAt, 0, kFixedBody - kZerosAt);
  char* out = body + kFixedBody;
  for (const std::string_view text : {r.room, r.from, r.type, r.ref, r.envelope}) out = put_text(out, text);
}

// The members of a body whose checksum is right; false when the lengths inside don't fit it.
bool read_body(std::string_view body, Record& r) {
  r.room_id = get_le<std::uint64_t>(body.data() + kRoomIdAt);
  r.seq = get_le<std::uint64_t>(body.data() + kSeqAt);
  r.at_ms = static_cast<std::int64_t>(get_le<std::uint64_t>(body.data() + kTimeAt));
  std::memcpy(r.id.data(), body.data() + kIdAt, r.id.size());
  std::memcpy(r.ref_hash.data(), body.data() + kRefHashAt, r.ref_hash.size());
  r.flags = static_cast<std::uint8_t>(body[kFlagsAt]);
  if (!all_zero(body.substr(kZerosAt, kFixedBody - kZerosAt))) return false;
  const char* length = body.data() + kLengthsAt;
  body.remove_prefix(kFixedBody);
  for (std::string_view* text : {&r.room, &r.from, &r.type, &r.ref}) {
    const std::size_t size = static_cast<unsigned char>(*length++);
    if (size > body.size()) return false;
    *text = body.substr(0, size);
    body.remove_prefix(size);
  }
  r.envelope = body;
  return true;
}

}  // namespace

std::size_t record_size(const Record& r) {
  return padded(kRecordHeader + body_size(r));
}

void write_record(const Record& r, char* out) {
  assert(fits(r));
  const std::size_t body = body_size(r);
  write_body(r, out + kRecordHeader);
  std::memset(out + kRecordHeader + body, 0, record_size(r) - kRecordHeader - body);

  char length[kCrcAt];
  put_le(length, static_cast<std::uint32_t>(body));
  const auto* bytes = reinterpret_cast<const std::byte*>(out);
  const std::uint32_t crc = crc32c({bytes + kRecordHeader, body},
                                   crc32c({reinterpret_cast<const std::byte*>(length), sizeof length}));
  put_le(out + kCrcAt, crc);
  std::atomic_signal_fence(std::memory_order_release);  // a kill leaves what is in program order
  std::memcpy(out, length, sizeof length);
}

Result<Record> read_record(std::string_view bytes, std::size_t& size) {
  size = 0;
  if (bytes.size() < kRecordHeader) {
    if (all_zero(bytes)) return fail(Errc::not_found, "No record follows.");
    return fail(Errc::corrupt, "The record's header is cut off.");
  }
  const std::size_t length = get_le<std::uint32_t>(bytes.data());
  if (length == 0) return fail(Errc::not_found, "No record follows.");
  const std::size_t whole = padded(kRecordHeader + length);
  if (length < kFixedBody || whole > kRecordMax)
    return fail(Errc::corrupt, "The record's length can't be right.");
  if (whole > bytes.size()) return fail(Errc::corrupt, "The record is cut off.");
  if (checksum(bytes.data(), length) != get_le<std::uint32_t>(bytes.data() + kCrcAt)) {
    return fail(Errc::corrupt, "The record's checksum differs.");
  }
  const std::size_t end = kRecordHeader + length;
  Record record;
  if (!read_body(bytes.substr(kRecordHeader, length), record) || !all_zero(bytes.substr(end, whole - end))) {
    return fail(Errc::corrupt, "The record's parts don't fit its length.");
  }
  size = whole;
  return record;
}

RefHash ref_hash(std::uint64_t room_id, std::string_view user, std::string_view ref, bool by_backend) {
  std::string text;
  text.reserve(1 + 8 + 8 + user.size() + ref.size());
  text += by_backend ? 'b' : 'c';
  append_le(text, room_id);
  append_le(text, static_cast<std::uint64_t>(user.size()));
  text += fold_case(user);
  text += ref;
  const Sha256 digest = sha256(text);
  RefHash hash;
  std::copy_n(digest.begin(), hash.size(), hash.begin());
  return hash;
}

}  // namespace parley::wire
