#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley::bench {

// People's lines from files, and which words are in how many of them.
struct WordsOfText {
  std::vector<std::string> contents;  // a message's content for each line that holds a word
  std::vector<std::string> rare, middling,
      common;                      // in 1-2 lines; in about 1 of 1,000; the twenty in the most
  std::vector<std::string> pairs;  // two words that stand side by side in some line
};

// Lines of UTF-8 text; others are left out. invalid_argument: fewer than 1,000 are left. not_found, unavailable: a file can't be read.
Result<WordsOfText> read_text(const std::vector<std::filesystem::path>& files);

}  // namespace parley::bench
