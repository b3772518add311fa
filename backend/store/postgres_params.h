#pragma once
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley::backend {

// Parameters of statements in PostgreSQL's binary format: exact, and nothing is escaped or parsed. The
// statement must take every whole number as bigint (a column of that type, or a cast).

// As the binary format has it: the most significant byte first.
template <std::integral Integer>
void append_big_endian(std::string& out, Integer value) {
  for (int shift = 8 * static_cast<int>(sizeof value) - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift);
}

// An array of one dimension, without nulls: bigint[], text[] or uuid[].
class PostgresArray {
 public:
  static PostgresArray of_bigint() { return PostgresArray(20); }
  static PostgresArray of_text() { return PostgresArray(25); }
  static PostgresArray of_uuid() { return PostgresArray(2950); }

  void add(std::uint64_t value) {
    append_big_endian(elements_, std::int32_t{8});
    append_big_endian(elements_, value);
    ++count_;
  }
  void add(std::string_view bytes) {
    append_big_endian(elements_, static_cast<std::int32_t>(bytes.size()));
    elements_ += bytes;
    ++count_;
  }

  bool empty() const { return count_ == 0; }

  // array_recv's form: dimensions, whether there are nulls, the elements' type; length and first index of the
  // dimension; then each element after its length.
  std::string bytes() const {
    std::string out;
    out.reserve(elements_.size() + 20);
    append_big_endian(out, std::int32_t{count_ > 0});
    append_big_endian(out, std::int32_t{0});
    append_big_endian(out, type_);
    if (count_ == 0) return out;
    append_big_endian(out, count_);
    append_big_endian(out, std::int32_t{1});
    return out += elements_;
  }

 private:
  explicit PostgresArray(std::int32_t type) : type_(type) {}
  std::int32_t type_;  // oid of the elements' type: those of built-in types never change
  std::int32_t count_ = 0;
  std::string elements_;
};

inline std::string postgres_param(bool value) {
  return std::string(1, value ? '\1' : '\0');
}
template <std::integral Integer>
requires(!std::same_as<Integer, bool>) std::string postgres_param(Integer value) {
  std::string out;
  append_big_endian(out, static_cast<std::int64_t>(value));
  return out;
}
// text, bytea and uuid: their bytes.
inline std::string postgres_param(std::string_view value) {
  return std::string(value);
}
inline std::string postgres_param(const PostgresArray& value) {
  return value.bytes();
}

}  // namespace parley::backend
