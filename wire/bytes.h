#pragma once
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

// Little-endian integers of the binary formats, at any alignment.
namespace parley::wire {

template <std::unsigned_integral T>
inline void put_le(char* out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<char>((value >> (8 * i)) & 0xff);
}

template <std::unsigned_integral T>
inline void append_le(std::string& out, T value) {
  char bytes[sizeof(T)];
  put_le(bytes, value);
  out.append(bytes, sizeof(T));
}

template <std::unsigned_integral T>
inline T get_le(const char* in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value =
        static_cast<T>(value | static_cast<T>(static_cast<T>(static_cast<unsigned char>(in[i])) << (8 * i)));
  }
  return value;
}

}  // namespace parley::wire
