#pragma once
#include <atomic>
#include <memory>
#include <utility>

namespace parley {

// A value that is replaced as a whole while others read it: settings that change at SIGHUP. Whoever reads keeps what they got for as long as
// they hold it. Thread-safe; neither call blocks.
template <class T>
class Live {
 public:
  explicit Live(T value = {}) : value_(std::make_shared<const T>(std::move(value))) {}

  std::shared_ptr<const T> get() const { return value_.load(); }
  void set(T value) { value_.store(std::make_shared<const T>(std::move(value))); }

 private:
  std::atomic<std::shared_ptr<const T>> value_;
};

}  // namespace parley
