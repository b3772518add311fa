#include <random>
#include <thread>

#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/measure_each.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/store_measures.h"
#include "tools/parley-bench/try.h"
#include "tools/parley-bench/words_of_text.h"

namespace parley::bench {
namespace {

constexpr int kSearchesARound = 100;
constexpr std::uint32_t kHits = 20;

constexpr const char* kFooter =
    R"(parleyd's own stores, in this process. The lines of the text are stored as messages, over and over until there are
enough, and indexed beside; then they are searched, each time for the newest 20 hits in all rooms:
  stored and indexed       entries a second until the index has all of them
  rare, middling, common   words that are in 1-2 lines of the text, in about one of 1,000, in the most
  two words, phrase        that stand side by side in some line, anywhere and in this order
  prefix                   the first three letters of a middling word
  in one room, by one sender   a middling word
The times are microseconds: the median and the slowest of 100 searches in each round.

Examples:
  parley-bench search --text irc.txt --messages 100000
  parley-bench search --text irc.txt --store postgresql://postgres@127.0.0.1:5432/postgres)";

struct SearchOptions {
  StoreShape shape{.store = {}, .rooms = 100, .content_bytes = 0, .said = {}, .threads = 4};
  std::vector<std::filesystem::path> files;
  std::size_t messages = 1'000'000;
  std::size_t senders = 100;
};

// A search in all rooms of the world.
class Searches {
 public:
  Searches(Run& run, StoreWorld& world, std::size_t rooms) : run_(run), world_(world) {
    for (std::size_t i = 0; i < rooms; ++i) all_.push_back(world.room(i));
  }

  using Change = std::function<void(backend::TextQuery&)>;
  Result<> time(const std::string& measure, const std::vector<std::string>& words,
                const Change& change = {}) {
    if (words.empty()) return {};
    return measure_each(run_, measure, "us", kSearchesARound, [&]() -> Result<> {
      backend::TextQuery query{
          .rooms = all_, .words = wire::parse_search(words[random_() % words.size()]), .limit = kHits};
      if (change) change(query);
      PARLEY_TRY(world_.stores().search->search(query));
      return {};
    });
  }

 private:
  Run& run_;
  StoreWorld& world_;
  std::vector<std::uint64_t> all_;
  std::mt19937_64 random_{17};
};

Result<double> store_and_index(Run& run, StoreWorld& world, std::size_t messages) {
  const auto begin = std::chrono::steady_clock::now();
  PARLEY_TRY(world.fill(run, messages));
  run.say("indexing");
  while (PARLEY_TRY(world.stores().search->behind()) > 0) {
    PARLEY_TRY(run.check());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(messages) / took.count();
}

std::vector<std::string> changed(std::vector<std::string> words, std::string (*change)(const std::string&)) {
  for (auto& word : words) word = change(word);
  return words;
}

Result<> measure_round(Searches& searches, StoreWorld& world, const WordsOfText& text,
                       const SearchOptions& options) {
  PARLEY_TRY(searches.time("rare", text.rare));
  PARLEY_TRY(searches.time("middling", text.middling));
  PARLEY_TRY(searches.time("common", text.common));
  PARLEY_TRY(searches.time("two words", text.pairs));
  PARLEY_TRY(
      searches.time("phrase", changed(text.pairs, [](const std::string& pair) { return '"' + pair + '"'; })));
  PARLEY_TRY(searches.time(
      "prefix", changed(text.middling, [](const std::string& word) { return word.substr(0, 3) + "*"; })));
  PARLEY_TRY(
      searches.time("in one room", text.middling, [&world](auto& query) { query.rooms = {world.room(0)}; }));
  return searches.time("by one sender", text.middling,
                       [&options](auto& query) { query.sender = user_name(options.senders - 1); });
}

Result<> search(Run& run, SearchOptions options) {
  const auto text = PARLEY_TRY(read_text(options.files));
  options.shape.said = {.contents = text.contents, .senders = options.senders};
  run.report.set_baseline("");
  run.report.parameter("store", options.shape.store.url == "sqlite" ? "SQLite" : "PostgreSQL");
  run.report.parameter("messages", std::to_string(options.messages));
  run.report.parameter("lines of text", std::to_string(text.contents.size()));
  run.report.parameter("rooms", std::to_string(options.shape.rooms));
  auto world = PARLEY_TRY(StoreWorld::make(options.shape, run.folder / "search"));
  run.report.add("stored and indexed", "entries/s", "parley",
                 PARLEY_TRY(store_and_index(run, *world, options.messages)));
  PARLEY_TRY(world->settle());
  Searches searches(run, *world, options.shape.rooms);
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("searching, round " + std::to_string(round));
    PARLEY_TRY(measure_round(searches, *world, text, options));
  }
  return {};
}

}  // namespace

void add_search(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("search", "The time of a search among a million messages");
  auto options = std::make_shared<SearchOptions>();
  add_store_choice(*command, options->shape.store);
  command->add_option("--text", options->files, "Text whose lines are the messages; several may be given")
      ->type_name("FILE")
      ->required();
  command->add_option("--messages", options->messages, "How many messages")
      ->check(CLI::Range(1000, 100'000'000))
      ->capture_default_str();
  command->add_option("--rooms", options->shape.rooms, "Rooms they are in")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--senders", options->senders, "Users who sent them")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->footer(kFooter);
  command->final_callback([&chosen, options] {
    chosen = {"search", [options](Run& run) { return search(run, *options); }};
  });
}

}  // namespace parley::bench
