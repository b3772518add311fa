#pragma once
#include <cstdint>
#include <string_view>

namespace parley::plugin {

// The secret of a Directory's hash tables: without it nobody can make names that collide.
struct HashKey {
  std::uint64_t k0 = 0, k1 = 0;
  static HashKey random();
};

// SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") of `bytes`, and of `name` as fold_case
// would give it: names that differ only in ASCII case hash the same. Pure, do not allocate; about 10 ns for a
// short name.
std::uint64_t hash_bytes(const HashKey& key, std::string_view bytes);
std::uint64_t hash_name(const HashKey& key, std::string_view name);

// Equal without regard to ASCII case.
bool equal_folded(std::string_view a, std::string_view b);

}  // namespace parley::plugin
