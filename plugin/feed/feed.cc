#include "plugin/feed/feed.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "wire/feed.h"

// feed.generation, in the journal's folder: the last generation given out, in decimal.
namespace parley::plugin {
namespace {

constexpr const char* kGenerationFile = "feed.generation";

std::filesystem::path generation_path(const Journal& journal) {
  return journal.dir() / kGenerationFile;
}

Result<std::uint64_t> read_generation(const Journal& journal) {
  const std::filesystem::path path = generation_path(journal);
  const Result<std::string> text = read_file(path, 64);
  if (!text && text.error().code == Errc::not_found) return 0;
  if (!text) return std::unexpected(text.error());
  std::uint64_t generation = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, generation);
  if (error != std::errc() || stop == text->data() || std::string_view(stop, end) != "\n") {
    return fail(Errc::corrupt,
                path.string() + " does not hold a number. Remove it: generations then follow the clock.");
  }
  return generation;
}

// How what the store says and what is here fit together: the cases of Feed::attach in the header.
struct Meeting {
  bool renew_journal = false;
  bool renewed = false;
  Offset lost_from = 0, lost_to = 0;
  std::string reason;
};

Meeting meet(const wire::Attach& store, const Journal& journal) {
  const Offset start = journal.start();
  if (store.journal.empty()) {
    if (start == 0) return {};
    return {false, true, 0, start,
            "The store is new, and the broker's journal has let go of its beginning already."};
  }
  if (store.journal != journal.id()) {
    return {false, true, 0, start, "The broker's journal is not the one the store knows."};
  }
  if (store.offset < start) {
    return {false, true, store.offset, start,
            "The store is older than what the broker's journal still holds: it was put back from a copy."};
  }
  if (journal.is_boundary(store.offset)) return {};
  return {true, true, 0, 0, "The broker's journal is older than the store: it was put back from a copy."};
}

}  // namespace

Result<std::unique_ptr<Feed>> Feed::open(Journal& journal, const FeedOptions& options) {
  if (options.window == 0 || options.batch_bytes <= wire::kFeedHeader) {
    return fail(Errc::invalid_argument, "The feed's window and batch size must not be 0.");
  }
  const Result<std::uint64_t> generation = read_generation(journal);
  if (!generation) return std::unexpected(generation.error());
  return std::unique_ptr<Feed>(new Feed(journal, options, *generation));
}

Result<wire::AttachOk> Feed::attach(const wire::Attach& store, std::string_view consumer, WallTime now) {
  if (consumer.empty()) return fail(Errc::invalid_argument, "A consumer must have a name.");
  if (attached() && consumer_ != consumer) return fail(Errc::unavailable, "Another backend is attached.");
  const Meeting meeting = meet(store, journal_);
  if (auto next = next_generation(now); !next) return std::unexpected(next.error());
  detach(consumer_);  // the generation before is over, whatever comes now
  if (meeting.renew_journal) {
    if (auto renewed = journal_.renew(); !renewed) return std::unexpected(renewed.error());
  }
  consumer_ = consumer;
  wire::AttachOk ok;
  ok.generation = generation_;
  ok.journal = journal_.id();
  ok.start = journal_.start();
  ok.end = journal_.end();
  ok.renewed = meeting.renewed;
  ok.lost_from = meeting.lost_from;
  ok.lost_to = meeting.lost_to;
  ok.reason = meeting.reason;
  return ok;
}

// Written down before it is given out, so that none is given twice.
Result<> Feed::next_generation(WallTime now) {
  const std::uint64_t clock = static_cast<std::uint64_t>(std::max<std::int64_t>(to_ms(now), 0));
  const std::uint64_t next = std::max(generation_ + 1, clock);
  if (auto written = write_file_atomic(generation_path(journal_), std::to_string(next) + "\n"); !written) {
    return fail(Errc::unavailable, written.error().message);
  }
  generation_ = next;
  return {};
}

void Feed::detach(std::string_view consumer) {
  if (consumer != consumer_) return;
  consumer_.clear();
  started_ = false;
  in_flight_.clear();
  repeat_next_ = 0;
}

Result<> Feed::start(std::uint64_t generation, Offset offset, SteadyTime now) {
  if (!attached() || generation != generation_)
    return fail(Errc::permission_denied, "Another backend has attached since.");
  if (offset < journal_.start() || !journal_.is_boundary(offset) || (started_ && offset < acked_)) {
    return fail(Errc::invalid_argument, "The feed can't start at offset " + std::to_string(offset) + ".");
  }
  if (auto opened = journal_.open_for_messages(); !opened) return opened;
  started_ = true;
  acked_ = offset;
  in_flight_.clear();
  repeat_next_ = 0;
  progress_ = now;
  journal_.trim(offset);
  return {};
}

Result<> Feed::ack(std::uint64_t generation, Offset offset, SteadyTime now) {
  if (!attached() || generation != generation_ || !started_) {
    ++stats_.acks_refused;
    return fail(Errc::permission_denied, "Another backend has attached since.");
  }
  if (offset <= acked_) return {};
  const auto batch = std::ranges::find(in_flight_, offset, &Batch::to);
  if (batch == in_flight_.end()) {
    ++stats_.acks_refused;
    return fail(Errc::invalid_argument, "No batch on its way ends at offset " + std::to_string(offset) + ".");
  }
  const auto done = static_cast<std::size_t>(batch - in_flight_.begin()) + 1;
  in_flight_.erase(in_flight_.begin(), batch + 1);
  repeat_next_ -= std::min(repeat_next_, done);
  acked_ = offset;
  progress_ = now;
  journal_.trim(offset);
  return {};
}

void Feed::tick(SteadyTime now, const Publish& publish) {
  journal_.tick();
  if (!started_) return;
  if (!in_flight_.empty() && now - progress_ >= options_.resend_after) {
    repeat_next_ = 0;
    progress_ = now;
    ++stats_.resends;
  } else if (in_flight_.empty()) {
    progress_ = now;  // nothing to wait for
  }
  if (!resend(publish)) return;
  while (in_flight_.size() < options_.window) {
    const Offset from = in_flight_.empty() ? acked_ : in_flight_.back().to;
    Offset to = from;
    if (!send(from, options_.batch_bytes - wire::kFeedHeader, publish, to)) return;
    in_flight_.push_back({from, to});
    repeat_next_ = in_flight_.size();
  }
}

// Sends again what is due, batch for batch as it was before, so that late acknowledgements still fit. False:
// stop for now.
bool Feed::resend(const Publish& publish) {
  for (; repeat_next_ < in_flight_.size(); ++repeat_next_) {
    Offset to = in_flight_[repeat_next_].to;
    if (!send(in_flight_[repeat_next_].from, ~std::size_t{0}, publish, to)) return false;
  }
  return true;
}

// Sends the records from `from` on; `to` is set to where they end. A `to` beyond `from` is a limit. A segment that ended
// before it was full gives a batch without records, which moves the consumer past its end. False: nothing was sent.
bool Feed::send(Offset from, std::size_t max_bytes, const Publish& publish, Offset& to) {
  const Result<JournalRun> run = journal_.read(from, max_bytes, to > from ? to : ~Offset{0});
  if (!run || run->to == run->from) return false;
  payload_.clear();
  wire::append_feed_batch(payload_, {generation_, run->from, run->to, run->count, run->bytes});
  if (!publish(payload_)) return false;
  ++stats_.batches;
  to = run->to;
  return true;
}

FeedStats Feed::stats() const {
  FeedStats stats = stats_;
  stats.lag_bytes = journal_.end() - journal_.acked();
  stats.in_flight = in_flight_.size();
  return stats;
}

}  // namespace parley::plugin
