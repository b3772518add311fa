#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <string>

#include "backend/requests/handlers.h"
#include "source_dir.h"

namespace parley::backend {
namespace {

// The first cells of the table of methods in topics.md §4: `a` or `a`, `b`.
std::set<std::string> methods_of_the_page() {
  std::ifstream page(PARLEY_SOURCE_DIR "/topics.md");
  std::string line;
  while (std::getline(page, line) && !line.starts_with("| method |")) continue;
  std::getline(page, line);
  std::set<std::string> names;
  while (std::getline(page, line) && line.starts_with("| ")) {
    const auto cell = line.substr(0, line.find('|', 1));
    const std::regex span("`([^`]*)`");
    for (std::sregex_iterator it(cell.begin(), cell.end(), span), end; it != end; ++it)
      names.insert((*it)[1]);
  }
  return names;
}

TEST(MethodTable, topics_md_tells_of_every_method_and_of_no_other) {
  std::set<std::string> names;
  for (const auto& method : methods()) {
    EXPECT_EQ(find_method(method.name), &method);
    names.emplace(method.name);
  }
  EXPECT_EQ(names, methods_of_the_page());
  EXPECT_EQ(find_method("room.sing"), nullptr);
  EXPECT_EQ(find_method(""), nullptr);
}

}  // namespace
}  // namespace parley::backend
