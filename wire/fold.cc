#include "wire/fold.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "base/encoding.h"
#include "wire/envelope.h"
#include "wire/json_slices.h"

namespace parley::wire {
namespace {

void append_member(std::string& object, std::string_view name, std::string_view value) {
  if (object.size() > 1) object += ',';
  object.append("\"").append(name).append("\":").append(value);
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// (A client that escapes letters of these names keeps them; nothing reads them there.)
std::string edited_content(std::string_view original, std::string_view edit) {
  std::string content = "{";
  for (const auto& [name, value] : slice_object(edit))
    if (!one_of(name, {"type", "target", "ref", "thread", "reply_to"})) append_member(content, name, value);
  for (const auto& [name, value] : slice_object(original))
    if (one_of(name, {"thread", "reply_to"})) append_member(content, name, value);
  return content + "}";
}

void append_reactions(std::string& out, const std::vector<Reaction>& reactions) {
  out += ",\"reactions\":[";
  for (const auto& reaction : reactions) {
    if (out.back() == '}') out += ',';
    out += "{\"key\":\"";
    append_json_escaped(out, reaction.key);
    out.append("\",\"count\":").append(std::to_string(reaction.count)).append(",\"users\":[");
    for (const auto& user : reaction.users) {
      if (out.back() == '"') out += ',';
      out.append("\"").append(user).append("\"");
    }
    out += "]}";
  }
  out += ']';
}

// The entries of one room in order, and what stands of what they say.
class Folding {
 public:
  explicit Folding(std::uint64_t first_seq) : first_seq_(first_seq) {}

  void add(const Record& record) {
    const auto entry = read_entry(record);
    auto& own = targets_[record.seq];
    own = {.seq = record.seq,
           .from = std::string(record.from),
           .message = entry.message(),
           .thread = 0,
           .deletion = {}};
    const bool erased = entry.deleted == entry.seq;
    if (erased) own.deletion = {.seq = entry.seq, .at_ms = entry.at_ms, .by = own.from};
    if (names_expired_thread(entry, first_seq_ - 1)) {
      own.thread = entry.thread;
    } else if (auto* root = find(entry.thread); root && is_reply(entry, *root)) {
      own.thread = entry.thread;
      if (!erased) replies_[entry.thread].insert(entry.seq);
    }
    auto* target = find(entry.target);
    if (!target) return;
    if (entry.type != "delete") said_of_[entry.target].insert(entry.seq);
    if (!counts(entry, *target)) return;
    if (entry.type == "delete") {
      target->deletion = {.seq = entry.seq, .at_ms = entry.at_ms, .by = std::string(entry.from)};
      if (target->thread > 0) replies_[target->thread].erase(entry.target);
    } else if (entry.type == "edit") {
      edits_[entry.target] = &record;
    } else if (entry.remove) {
      reactions_[entry.target].erase({entry.key, std::string(entry.from)});
    } else {
      reactions_[entry.target][{entry.key, std::string(entry.from)}] = entry.seq;
    }
  }

  // Of deleted messages, and of what names them.
  std::map<std::uint64_t, Deletion> deletions() const {
    std::map<std::uint64_t, Deletion> all;
    for (const auto& [seq, target] : targets_) {
      if (target.deletion.seq == 0) continue;
      all[seq] = target.deletion;
      if (auto said = said_of_.find(seq); said != said_of_.end())
        for (auto other : said->second) all[other] = target.deletion;
    }
    return all;
  }

  std::uint64_t thread_of(std::uint64_t seq) const { return targets_.at(seq).thread; }

  Notes notes_of(std::uint64_t seq) const {
    Notes notes;
    if (auto replies = replies_.find(seq); replies != replies_.end() && !replies->second.empty()) {
      notes.replies = replies->second.size();
      notes.last_reply = *replies->second.rbegin();
    }
    if (targets_.at(seq).deletion.seq > 0) return notes;
    if (auto edit = edits_.find(seq); edit != edits_.end()) {
      const auto& record = *edit->second;
      notes.edit_seq = record.seq;
      notes.edit_at_ms = record.at_ms;
      notes.edit_content = content_of(record.envelope);
    }
    if (auto said = reactions_.find(seq); said != reactions_.end()) notes.reactions = told(said->second);
    return notes;
  }

 private:
  using Said = std::map<std::pair<std::string, std::string>, std::uint64_t>;  // key, user → seq

  Target* find(std::uint64_t seq) {
    auto at = seq == 0 ? targets_.end() : targets_.find(seq);
    return at == targets_.end() ? nullptr : &at->second;
  }

  static std::vector<Reaction> told(const Said& said) {
    std::vector<std::tuple<std::uint64_t, std::string, std::string>> in_order;
    for (const auto& [who, seq] : said) in_order.emplace_back(seq, who.first, who.second);
    std::ranges::sort(in_order);
    std::vector<Reaction> reactions;
    for (const auto& [seq, key, user] : in_order) {
      auto at = std::ranges::find(reactions, key, &Reaction::key);
      if (at == reactions.end()) at = reactions.insert(at, Reaction{.key = key});
      if (++at->count <= kReactionUsersTold) at->users.push_back(user);
    }
    reactions.resize(std::min(reactions.size(), kReactionKeysTold));
    return reactions;
  }

  const std::uint64_t first_seq_;
  std::map<std::uint64_t, Target> targets_;
  std::map<std::uint64_t, std::set<std::uint64_t>> replies_, said_of_;
  std::map<std::uint64_t, const Record*> edits_;
  std::map<std::uint64_t, Said> reactions_;
};

Record record_of(const Envelope& e, std::string_view envelope) {
  Record record{.seq = e.seq, .at_ms = e.at, .id = e.id};
  record.flags = e.imported ? kRecordImported : 0;
  record.from = e.from;
  record.type = e.type;
  record.envelope = envelope;
  return record;
}

}  // namespace

std::string folded(std::string_view envelope, const Notes& notes) {
  if (notes.empty()) return std::string(envelope);
  std::string out;
  if (notes.edit_seq == 0) {
    out = envelope.substr(0, envelope.size() - 1);
  } else {
    out = envelope.substr(0, content_at(envelope));
    out += edited_content(content_of(envelope), notes.edit_content);
    out.append(",\"edited\":{\"seq\":").append(std::to_string(notes.edit_seq));
    out.append(",\"at\":").append(std::to_string(notes.edit_at_ms)) += '}';
  }
  if (!notes.reactions.empty()) append_reactions(out, notes.reactions);
  if (notes.replies > 0) {
    out.append(",\"thread\":{\"replies\":").append(std::to_string(notes.replies));
    out.append(",\"last_seq\":").append(std::to_string(notes.last_reply)) += '}';
  }
  return out += '}';
}

Result<> RoomFold::add(std::string_view envelope) {
  auto parsed = parse_envelope(envelope);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->seq >= first_seq_) envelopes_.try_emplace(parsed->seq, envelope);
  return {};
}

std::map<std::uint64_t, std::string> RoomFold::folded() const {
  std::vector<Envelope> parsed;
  std::vector<Record> records;
  parsed.reserve(envelopes_.size());
  records.reserve(envelopes_.size());
  Folding folding(first_seq_);
  for (const auto& [seq, text] : envelopes_) {
    parsed.push_back(*parse_envelope(text));
    folding.add(records.emplace_back(record_of(parsed.back(), text)));
  }
  const auto deletions = folding.deletions();
  std::map<std::uint64_t, std::string> all;
  for (const auto& [seq, text] : envelopes_) {
    auto gone = deletions.find(seq);
    all[seq] =
        wire::folded(gone == deletions.end() ? text : erased(text, gone->second, folding.thread_of(seq)),
                     folding.notes_of(seq));
  }
  return all;
}

}  // namespace parley::wire
