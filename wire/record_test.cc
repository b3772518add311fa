#include "wire/record.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/encoding.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

Record example() {
  Record r;
  r.room_id = 0x0102030405060708;
  r.seq = 17;
  r.at_ms = 1'795'314'673'123;
  r.id.fill(0x1d);
  r.ref_hash = ref_hash(r.room_id, "alice", "a1", false);
  r.flags = kRecordAppended;
  r.room = "lab";
  r.from = "alice";
  r.type = "text";
  r.ref = "a1";
  r.envelope = R"({"seq":17,"content":{"text":"hi"}})";
  return r;
}

std::string written(const Record& r) {
  std::string bytes(record_size(r), '\xee');
  write_record(r, bytes.data());
  return bytes;
}

// Reads from a copy that ends where the bytes end, so that AddressSanitizer sees one step too far.
Result<Record> read_exactly(std::string_view bytes, std::size_t& size, std::unique_ptr<char[]>& copy) {
  copy = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return read_record({copy.get(), bytes.size()}, size);
}

Errc refusal_of(std::string_view bytes) {
  std::size_t size = 99;
  std::unique_ptr<char[]> copy;
  const Result<Record> record = read_exactly(bytes, size, copy);
  EXPECT_FALSE(record);
  EXPECT_EQ(size, 0U);
  return record ? Errc::internal : record.error().code;
}

void expect_same(const Record& a, const Record& b) {
  EXPECT_EQ(a.room_id, b.room_id);
  EXPECT_EQ(a.seq, b.seq);
  EXPECT_EQ(a.at_ms, b.at_ms);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.ref_hash, b.ref_hash);
  EXPECT_EQ(a.flags, b.flags);
  EXPECT_EQ(a.room, b.room);
  EXPECT_EQ(a.from, b.from);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.ref, b.ref);
  EXPECT_EQ(a.envelope, b.envelope);
}

TEST(Record, comes_back_as_it_was_written) {
  const Record r = example();
  const std::string bytes = written(r);
  EXPECT_EQ(bytes.size() % 8, 0U);
  std::size_t size = 0;
  const Result<Record> back = read_record(bytes, size);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(size, bytes.size());
  expect_same(*back, r);
}

TEST(Record, with_every_member_at_its_end_comes_back) {
  const std::string longest(255, 'n'), envelope(kRecordMax - 72 - 4 * 255 - 4, 'e');
  Record r;
  r.room_id = r.seq = ~std::uint64_t{0};
  r.at_ms = -1;
  r.id.fill(0xff);
  r.ref_hash.fill(0xff);
  r.flags = 0xff;
  r.room = r.from = r.type = r.ref = longest;
  r.envelope = envelope;
  ASSERT_EQ(record_size(r), kRecordMax);
  const std::string bytes = written(r);
  std::size_t size = 0;
  const Result<Record> back = read_record(bytes, size);
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, r);

  const Record empty;
  EXPECT_EQ(record_size(empty), 72U);
  const std::string short_bytes = written(empty);
  ASSERT_TRUE(read_record(short_bytes, size));
  expect_same(*read_record(short_bytes, size), empty);
}

TEST(Record, has_the_layout_its_header_states) {
  Record r = example();
  r.envelope = "{}";
  const std::string bytes = written(r);
  EXPECT_EQ(hex_encode(bytes.substr(0, 4)), "50000000");  // 64 + 3 + 5 + 4 + 2 + 2; the checksum follows
  EXPECT_EQ(hex_encode(bytes.substr(8, 24)),
            "0807060504030201"
            "1100000000000000"
            "e3e51701a2010000");
  EXPECT_EQ(bytes.substr(32, 16), std::string(16, '\x1d'));
  EXPECT_EQ(bytes.substr(48, 16), std::string(r.ref_hash.begin(), r.ref_hash.end()));
  EXPECT_EQ(hex_encode(bytes.substr(64, 8)),
            "02"
            "03050402"
            "000000");
  EXPECT_EQ(bytes.substr(72), "labalicetexta1{}");
}

TEST(Record, follows_another_at_the_size_told) {
  Record second = example();
  second.seq = 18;
  const std::string bytes = written(example()) + written(second) + std::string(16, '\0');
  std::string_view left = bytes;
  std::size_t size = 0;
  for (const std::uint64_t seq : {17, 18}) {
    const Result<Record> r = read_record(left, size);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->seq, seq);
    left.remove_prefix(size);
  }
  EXPECT_EQ(read_record(left, size).error().code, Errc::not_found);
}

TEST(Record, end_of_the_bytes_or_a_zero_length_is_a_clean_end) {
  EXPECT_EQ(refusal_of(""), Errc::not_found);
  EXPECT_EQ(refusal_of(std::string(8, '\0')), Errc::not_found);
  EXPECT_EQ(refusal_of(std::string(3, '\0')), Errc::not_found);
  std::string torn = written(example());
  torn.replace(0, 4, 4, '\0');  // everything but the length was written
  EXPECT_EQ(refusal_of(torn), Errc::not_found);
}

TEST(Record, cut_off_anywhere_is_corrupt) {
  const std::string bytes = written(example());
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(refusal_of(std::string_view(bytes).substr(0, size)), Errc::corrupt) << size;
  }
}

TEST(Record, with_any_bit_flipped_is_refused) {
  const std::string bytes = written(example());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(refusal_of(flipped), Errc::corrupt) << bit;
  }
}

TEST(Record, of_an_impossible_length_is_corrupt_without_being_read) {
  for (const std::string_view length : {"\x01\0\0\0", "\x3f\0\0\0", "\xff\xff\xff\xff", "\0\0\x08\0"}) {
    EXPECT_EQ(refusal_of(std::string(length.data(), 4) + std::string(200, 'x')), Errc::corrupt);
  }
}

std::string hex(const RefHash& hash) {
  return hex_encode({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

TEST(RefHash, is_one_for_one_user_room_and_ref) {
  EXPECT_EQ(ref_hash(7, "alice", "a1", false), ref_hash(7, "Alice", "a1", false));
  const RefHash hash = ref_hash(7, "alice", "a1", false);
  EXPECT_NE(hash, kNoRef);
  EXPECT_NE(hash, ref_hash(8, "alice", "a1", false));
  EXPECT_NE(hash, ref_hash(7, "alicf", "a1", false));
  EXPECT_NE(hash, ref_hash(7, "alice", "A1", false));
  EXPECT_NE(hash, ref_hash(7, "alice", "a1", true));
  EXPECT_NE(ref_hash(7, "alicea", "1", false), ref_hash(7, "alice", "a1", false));
}

TEST(RefHash, stays_what_journals_already_hold) {
  EXPECT_EQ(hex(ref_hash(7, "alice", "a1", false)), "317e1df3557bd7e97e7a1c99e2c63512");
}

}  // namespace
}  // namespace parley::wire
