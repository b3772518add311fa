#pragma once
#include <expected>
#include <utility>

// The value of a Result, or return its error: each step of a measurement can fail, and then the measurement has.
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): a function can't return for its caller
#define PARLEY_TRY(expression)                                                    \
  __extension__({                                                                 \
    auto parley_result = (expression);                                            \
    if (!parley_result) return std::unexpected(std::move(parley_result).error()); \
    *std::move(parley_result);                                                    \
  })
