#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace parley::plugin {

// An array that grows at its end without moving what is in it: no growth copies more than pointers. Elements
// are made by default and live as long as the array; those of 32 or 64 bytes lie within one cache line. Not
// thread-safe; const access from several threads is fine.
template <class T>
class Chunked {
 public:
  T& operator[](std::uint32_t i) { return chunks_[i / kChunk]->at[i % kChunk]; }
  const T& operator[](std::uint32_t i) const { return chunks_[i / kChunk]->at[i % kChunk]; }
  const T* address(std::uint32_t i) const { return &chunks_[i / kChunk]->at[i % kChunk]; }
  std::uint32_t size() const { return size_; }

  std::uint32_t add() {
    if (size_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<Chunk>());
    return size_++;
  }

  std::size_t memory_bytes() const {
    return chunks_.size() * kChunk * sizeof(T) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  static constexpr std::uint32_t kChunk = 1024;
  struct alignas(64) Chunk {  // a cache line
    T at[kChunk]{};
  };
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t size_ = 0;
};

}  // namespace parley::plugin
