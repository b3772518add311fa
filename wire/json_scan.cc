#include "wire/json_scan.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/encoding.h"

namespace parley::wire {
namespace {

using nlohmann::json;

// Writes the events of a parse down again, without white space.
class Minifier {
 public:
  void start(std::string* out) {
    out_ = out;
    comma_ = false;
  }
  void stop() { out_ = nullptr; }
  void open(char bracket) {
    if (!begin_value()) return;
    *out_ += bracket;
    comma_ = false;
  }
  void close(char bracket) {
    if (out_) *out_ += bracket;
    comma_ = true;
  }
  void key(std::string_view name) {
    string(name);
    if (out_) *out_ += ':';
    comma_ = false;
  }
  void string(std::string_view text) {
    if (!begin_value()) return;
    *out_ += '"';
    append_json_escaped(*out_, text);
    *out_ += '"';
  }
  void raw(std::string_view token) {
    if (begin_value()) *out_ += token;
  }
  template <class Integer>
  void integer(Integer value) {
    if (!begin_value()) return;
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out_->append(digits.data(), end);
  }

 private:
  bool begin_value() {
    if (!out_) return false;
    if (comma_) *out_ += ',';
    comma_ = true;
    return true;
  }

  std::string* out_ = nullptr;
  bool comma_ = false;
};

// nlohmann's SAX events; false ends the parse, and `refusal` says why.
class Scanner {
 public:
  Scanner(std::string_view what, std::span<Member> wanted, std::size_t depth_max)
      : what_(what), wanted_(wanted), depth_max_(depth_max) {}

  std::size_t members() const { return members_; }
  Refusal& refusal() { return refusal_; }

  bool null() {
    value(Member::Kind::null);
    minifier_.raw("null");
    return true;
  }
  bool boolean(bool v) {
    if (Member* m = value(Member::Kind::boolean)) m->flag = v;
    minifier_.raw(v ? "true" : "false");
    return true;
  }
  bool number_integer(json::number_integer_t v) {
    value(Member::Kind::number);
    minifier_.integer(v);
    return true;
  }
  bool number_unsigned(json::number_unsigned_t v) {
    if (Member* m = value(Member::Kind::natural)) m->natural = v;
    minifier_.integer(v);
    return true;
  }
  bool number_float(json::number_float_t, const std::string& token) {
    value(Member::Kind::number);
    minifier_.raw(token);
    return true;
  }
  bool string(std::string& text) {
    if (text.find('\0') != std::string::npos) return refuse_nul();
    minifier_.string(text);
    if (Member* m = value(Member::Kind::string)) m->text = std::move(text);
    return true;
  }
  bool binary(json::binary_t&) { return refuse(Code::malformed, " is not JSON."); }  // JSON text has none

  bool start_object(std::size_t) { return start('{'); }
  bool end_object() { return end('}'); }
  bool start_array(std::size_t) { return start('['); }
  bool end_array() { return end(']'); }

  bool key(const std::string& name) {
    if (name.find('\0') != std::string::npos) return refuse_nul();
    minifier_.key(name);
    if (depth_ != 1) return true;
    ++members_;
    current_ = nullptr;
    for (Member& m : wanted_) {
      if (m.name == name) current_ = &m;
    }
    if (!current_ || current_->is(Member::Kind::absent)) return true;
    return refuse(Code::malformed, " has `" + name + "` twice.");
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception& e) {
    constexpr int kNumberOverflow = 406;
    const std::string at = std::to_string(position) + ".";
    if (e.id == kNumberOverflow)
      return refuse(Code::malformed, " has a number too large to be taken, at byte " + at);
    return refuse(Code::malformed, " begins with { but is not valid JSON: it goes wrong at byte " + at);
  }

  bool refuse_nul() { return refuse(Code::malformed, " holds the character U+0000, which is not taken."); }

 private:
  bool refuse(Code code, const std::string& predicate) {
    refusal_ = Refusal{code, std::string(what_) + predicate};
    return false;
  }

  // The wanted member whose value begins here, if it is one.
  Member* value(Member::Kind kind) {
    if (depth_ != 1 || !current_) return nullptr;
    current_->kind = kind;
    return std::exchange(current_, nullptr);
  }

  bool start(char bracket) {
    Member* m = value(Member::Kind::composite);
    if (++depth_ > depth_max_) {
      return refuse(Code::too_deep, " is nested deeper than " + std::to_string(depth_max_) + " levels.");
    }
    if (m && m->keep_json) minifier_.start(&m->text);
    minifier_.open(bracket);
    return true;
  }

  bool end(char bracket) {
    minifier_.close(bracket);
    if (--depth_ == 1) minifier_.stop();
    return true;
  }

  std::string_view what_;
  std::span<Member> wanted_;
  std::size_t depth_max_;
  std::size_t depth_ = 0;
  std::size_t members_ = 0;
  Member* current_ = nullptr;
  Minifier minifier_;
  Refusal refusal_{};
};

}  // namespace

std::string_view trim_json(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::expected<std::size_t, Refusal> scan_object(std::string_view text, std::string_view what,
                                                std::span<Member> wanted, std::size_t depth_max) {
  if (!trim_json(text).starts_with('{')) {
    return std::unexpected(Refusal{Code::malformed, std::string(what) + " is not a JSON object."});
  }
  Scanner scanner(what, wanted, depth_max);
  // The parser takes a raw U+0000 for the end of the text, whatever follows.
  const bool taken = text.find('\0') == std::string_view::npos
                         ? json::sax_parse(text.data(), text.data() + text.size(), &scanner)
                         : scanner.refuse_nul();
  if (!taken) return std::unexpected(std::move(scanner.refusal()));
  return scanner.members();
}

}  // namespace parley::wire
