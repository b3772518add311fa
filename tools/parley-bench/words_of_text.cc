#include "tools/parley-bench/words_of_text.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "base/encoding.h"
#include "wire/search_words.h"

namespace parley::bench {
namespace {

constexpr std::size_t kLinesMin = 1000, kLineMax = 4000, kWordsOfEach = 200, kCommon = 20;

class Count {
 public:
  void line(const std::vector<std::string>& words) {
    ++lines_;
    for (const auto& word : std::set(words.begin(), words.end())) ++lines_of_[word];
  }
  // Of the words in `least` to `most` lines, some that are spread over the alphabet.
  std::vector<std::string> between(std::size_t least, std::size_t most) const {
    std::vector<std::string> found;
    for (const auto& [word, lines] : lines_of_)
      if (lines >= least && lines <= most && word.size() > 3) found.push_back(word);
    const auto step = found.size() / kWordsOfEach + 1;
    std::vector<std::string> some;
    for (std::size_t i = 0; i < found.size(); i += step) some.push_back(found[i]);
    return some;
  }
  std::vector<std::string> commonest() const {
    std::vector<std::pair<std::size_t, std::string>> by_lines;
    for (const auto& [word, lines] : lines_of_) by_lines.emplace_back(lines, word);
    std::ranges::sort(by_lines, std::greater());
    std::vector<std::string> words;
    for (std::size_t i = 0; i < std::min(kCommon, by_lines.size()); ++i) words.push_back(by_lines[i].second);
    return words;
  }
  std::size_t lines() const { return lines_; }

 private:
  std::size_t lines_ = 0;
  std::map<std::string, std::size_t> lines_of_;
};

std::string content_of_line(const std::string& line) {
  std::string content = R"({"text":")";
  append_json_escaped(content, line);
  return content + "\"}";
}

}  // namespace

Result<WordsOfText> read_text(const std::vector<std::filesystem::path>& files) {
  WordsOfText text;
  Count count;
  for (const auto& file : files) {
    std::ifstream in(file);
    if (!in) return fail(Errc::not_found, file.string() + " can't be read.");
    for (std::string line; std::getline(in, line);) {
      if (line.size() > kLineMax || !valid_utf8(line)) continue;
      const auto words = wire::search_words(line);
      if (words.empty()) continue;
      count.line(words);
      text.contents.push_back(content_of_line(line));
      if (words.size() > 3 && count.lines() % 100 == 0)
        text.pairs.push_back(words[words.size() / 2 - 1] + " " + words[words.size() / 2]);
    }
  }
  if (count.lines() < kLinesMin)
    return fail(Errc::invalid_argument, "--text: there are only " + std::to_string(count.lines()) +
                                            " lines of text; 1,000 at least are needed.");
  text.rare = count.between(1, 2);
  text.middling = count.between(count.lines() / 2000 + 1, count.lines() / 500);
  text.common = count.commonest();
  return text;
}

}  // namespace parley::bench
