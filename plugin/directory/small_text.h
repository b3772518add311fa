#pragma once
#include <cassert>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace parley::plugin {

// A text of at most 255 bytes inside its owner: up to `Inline` bytes in place, longer ones on the heap. `tag`
// is a byte for the owner's use, where padding would be otherwise. Not thread-safe; neither copied nor moved.
template <std::size_t Inline>
class SmallText {
  static_assert(Inline >= sizeof(char*));

 public:
  SmallText() = default;
  SmallText(const SmallText&) = delete;
  SmallText& operator=(const SmallText&) = delete;
  ~SmallText() { clear(); }

  std::string_view view() const { return {on_heap() ? heap() : inline_, size_}; }
  std::size_t heap_bytes() const { return on_heap() ? size_ : 0; }

  void set(std::string_view text) {
    assert(text.size() <= 255);
    clear();
    char* to = inline_;
    if (text.size() > Inline) {
      to = new char[text.size()];
      std::memcpy(inline_, &to, sizeof to);
    }
    std::memcpy(to, text.data(), text.size());
    size_ = static_cast<std::uint8_t>(text.size());
  }
  void clear() {
    if (on_heap()) delete[] heap();
    size_ = 0;
  }

  std::uint8_t tag() const { return tag_; }
  void set_tag(std::uint8_t tag) { tag_ = tag; }

 private:
  bool on_heap() const { return size_ > Inline; }
  char* heap() const {
    char* at;
    std::memcpy(&at, inline_, sizeof at);
    return at;
  }

  char inline_[Inline];
  std::uint8_t size_ = 0;
  std::uint8_t tag_ = 0;
};

}  // namespace parley::plugin
