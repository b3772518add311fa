#include "plugin/journal/identity.h"

#include <sstream>

#include "base/file.h"
#include "base/ids.h"

// journal.id, text:
//   parley-journal 1
//   id <16 characters>
//   lineage <16 characters>
//   messages open|closed
//   state closed|running
//   sync always|lazy
//   boot <boot id, or ->
//   place <place of the folder's lock file, or ->
namespace parley::plugin {
namespace {

constexpr const char* kName = "journal.id";
constexpr const char* kFirstLine = "parley-journal 1";

bool is_id(const std::string& text) {
  return text.size() == kJournalIdChars &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567") == text.npos;
}

// The word behind `key` on the next line; nullopt when the line is another one.
std::optional<std::string> value_of(std::istringstream& in, const std::string& key) {
  std::string line;
  if (!std::getline(in, line) || !line.starts_with(key + " ") || line.size() > 128) return std::nullopt;
  return line.substr(key.size() + 1);
}

// Sets `out` when the line says one of the two words.
bool read_flag(std::istringstream& in, const std::string& key, const char* yes, const char* no, bool& out) {
  const std::optional<std::string> word = value_of(in, key);
  if (!word || (*word != yes && *word != no)) return false;
  out = *word == yes;
  return true;
}

bool parse(const std::string& text, Identity& out) {
  std::istringstream in(text);
  std::string first;
  if (!std::getline(in, first) || first != kFirstLine) return false;
  const auto id = value_of(in, "id");
  const auto lineage = value_of(in, "lineage");
  if (!id || !lineage || !is_id(*id) || !is_id(*lineage)) return false;
  if (!read_flag(in, "messages", "open", "closed", out.open_for_messages)) return false;
  if (!read_flag(in, "state", "running", "closed", out.running)) return false;
  if (!read_flag(in, "sync", "lazy", "always", out.lossy)) return false;
  const auto boot = value_of(in, "boot"), place = value_of(in, "place");
  if (!boot || !place) return false;
  out.id = *id;
  out.lineage = *lineage;
  out.boot_id = *boot == "-" ? "" : *boot;
  out.place = *place == "-" ? "" : *place;
  return true;
}

}  // namespace

Identity new_identity() {
  Identity identity;
  identity.id = random_id(kJournalIdChars);
  identity.lineage = random_id(kJournalIdChars);
  return identity;
}

bool may_have_lost_end(const Identity& left, const std::string& boot_id_now) {
  return left.running && left.lossy && left.boot_id != boot_id_now;
}

bool may_be_old_copy(const Identity& left, const std::string& place_now) {
  return !left.place.empty() && !place_now.empty() && left.place != place_now;
}

Result<Identity> read_identity(const std::filesystem::path& dir) {
  const Result<std::string> text = read_file(dir / kName, 4096);
  if (!text && text.error().code != Errc::invalid_argument) return std::unexpected(text.error());
  Identity identity;
  if (!text || !parse(*text, identity)) {
    return fail(Errc::corrupt, (dir / kName).string() +
                                   " is not a journal's identity. Put the journal's folder back from a copy, "
                                   "or move it away and start with an empty one.");
  }
  return identity;
}

Result<> write_identity(const std::filesystem::path& dir, const Identity& identity) {
  std::string text = std::string(kFirstLine) + "\n";
  text += "id " + identity.id + "\nlineage " + identity.lineage;
  text += std::string("\nmessages ") + (identity.open_for_messages ? "open" : "closed");
  text += std::string("\nstate ") + (identity.running ? "running" : "closed");
  text += std::string("\nsync ") + (identity.lossy ? "lazy" : "always");
  text += "\nboot " + (identity.boot_id.empty() ? "-" : identity.boot_id);
  text += "\nplace " + (identity.place.empty() ? "-" : identity.place) + "\n";
  return write_file_atomic(dir / kName, text);
}

}  // namespace parley::plugin
