#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace parley::plugin {

// An array that grows at its end without moving what is in it: no growth copies more than pointers. Elements
// are made by default and live as long as the array. Not thread-safe; const access from several threads is
// fine.
template <class T>
class Chunked {
 public:
  T& operator[](std::uint32_t i) { return chunks_[i / kChunk][i % kChunk]; }
  const T& operator[](std::uint32_t i) const { return chunks_[i / kChunk][i % kChunk]; }
  const T* address(std::uint32_t i) const { return &chunks_[i / kChunk][i % kChunk]; }
  std::uint32_t size() const { return size_; }

  std::uint32_t add() {
    if (size_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<T[]>(kChunk));
    return size_++;
  }

  std::size_t memory_bytes() const {
    return chunks_.size() * kChunk * sizeof(T) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  static constexpr std::uint32_t kChunk = 1024;
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::uint32_t size_ = 0;
};

}  // namespace parley::plugin
