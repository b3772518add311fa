#include "wire/erasure.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/crypto.h"
#include "base/encoding.h"
#include "wire/entry.h"
#include "wire/envelope.h"
#include "wire/fold_rule.h"
#include "wire/names.h"

namespace parley::wire {
namespace {

constexpr std::size_t kPseudonymChars = 16;
constexpr std::string_view kErasedContent = R"({},"deleted":)";

// Behind the quote that ends the string that begins at `at`.
std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at)
    if (json[at] == '\\') ++at;
  return std::min(at + 1, json.size());
}

bool is_key(std::string_view json, std::size_t end) {
  const auto next = json.find_first_not_of(" \t\r\n", end);
  return next != std::string_view::npos && json[next] == ':';
}

std::string mentions_replaced(const std::string& text, const Pseudonyms& of) {
  std::string out;
  std::size_t done = 0;
  for_each_mention(text, [&](std::size_t at, std::string_view name) {
    const auto pseudonym = at < done ? std::nullopt : of(name);
    if (!pseudonym) return;
    out.append(text, done, at - done).append(*pseudonym);
    done = at + name.size();
  });
  return out.append(text, done);
}

// A string with its quotes.
std::string replaced(std::string_view quoted, NamesIn where, const Pseudonyms& of) {
  const auto parsed = nlohmann::json::parse(quoted, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_string()) return std::string(quoted);
  const auto& text = parsed.get_ref<const std::string&>();
  const auto after = where == NamesIn::mentions ? mentions_replaced(text, of) : of(text).value_or(text);
  if (after == text) return std::string(quoted);
  std::string out = "\"";
  append_json_escaped(out, after);
  return out + "\"";
}

bool by_backend(std::string_view type) {
  return type == "member" || type == "room";
}

std::string tail_without_names(const Record& record, std::size_t at, const Pseudonyms& of) {
  const auto tail = record.envelope.substr(at);
  const bool whole = by_backend(record.type) || tail.starts_with(kErasedContent);
  return replace_names(tail, whole ? NamesIn::whole_texts : NamesIn::mentions, of);
}

// The envelope up to its content; what its sender named is not in it.
std::string own_head(const Envelope& envelope) {
  const auto text = format_envelope(envelope);
  return text.substr(0, content_at(text));
}

std::string own_tail(const Record& record, std::uint64_t thread, const std::string& pseudonym,
                     const Pseudonyms& of) {
  const auto at = content_at(record.envelope);
  if (by_backend(record.type) || record.envelope.substr(at).starts_with(kErasedContent))
    return tail_without_names(record, at, of);
  if (record.type == "delete")
    return "{\"type\":\"delete\",\"target\":" + std::to_string(read_entry(record).target) + "}}";
  const Deletion deletion{.seq = record.seq, .at_ms = record.at_ms, .by = pseudonym};
  return "{},\"deleted\":" + deletion_text(deletion, thread) + "}";
}

Unnamed own_entry(const Record& record, std::uint64_t thread, const std::string& pseudonym,
                  const Pseudonyms& of) {
  Unnamed entry{.from = pseudonym, .type = std::string(record.type), .ref = "", .envelope = "", .own = true};
  if (entry.type.starts_with("x.")) entry.type = "text";  // the sender's word, too
  if (auto envelope = parse_envelope(record.envelope)) {
    envelope->from = pseudonym;
    envelope->type = entry.type;
    envelope->device.clear();
    envelope->ref.clear();
    entry.envelope = own_head(*envelope) + own_tail(record, thread, pseudonym, of);
  }
  return entry;
}

}  // namespace

bool is_pseudonym(std::string_view name) {
  if (name.size() != kPseudonymChars + 1 || name.front() != '~') return false;
  return std::ranges::all_of(name.substr(1),
                             [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

std::string name_digest(std::string_view salt, std::string_view name) {
  return hex_encode(as_view(hmac_sha256(salt, fold_case(name))));
}

std::string replace_names(std::string_view json, NamesIn where, const Pseudonyms& of) {
  std::string out;
  std::size_t done = 0;
  for (auto at = json.find('"'); at != std::string_view::npos; at = json.find('"', at)) {
    const auto end = string_end(json, at);
    const auto quoted = json.substr(at, end - at);
    const bool worth = where == NamesIn::whole_texts || quoted.find('@') != std::string_view::npos ||
                       quoted.find("\\u") != std::string_view::npos;
    if (worth && !is_key(json, end)) {
      out.append(json.substr(done, at - done)).append(replaced(quoted, where, of));
      done = end;
    }
    at = end;
  }
  return out.append(json.substr(done));
}

std::optional<Unnamed> without_names(const Record& record, std::uint64_t thread, const Pseudonyms& of) {
  if (const auto own = of(record.from)) return own_entry(record, thread, *own, of);
  const auto at = content_at(record.envelope);
  auto tail = tail_without_names(record, at, of);
  if (tail == record.envelope.substr(at)) return std::nullopt;
  return Unnamed{.from = std::string(record.from),
                 .type = std::string(record.type),
                 .ref = std::string(record.ref),
                 .envelope = std::string(record.envelope.substr(0, at)) + tail};
}

}  // namespace parley::wire
