#include "tools/parley-bench/load.h"

#include <algorithm>
#include <charconv>

#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view kContentBegin = R"({"text":"#)";
constexpr std::string_view kContentEnd = R"("})";
constexpr std::size_t kSenderDigits = 4, kNumberDigits = 10;
constexpr std::size_t kMarkEnd = kContentBegin.size() + kSenderDigits + kNumberDigits;
constexpr std::size_t kContentMin = kMarkEnd + kContentEnd.size();
constexpr std::uint64_t kUnacknowledgedMax = 60'000;  // packet ids are 16 bits
constexpr std::chrono::seconds kDrainBound{60};

void put_number(std::string& text, std::size_t at, std::size_t digits, std::uint64_t value) {
  for (auto i = at + digits; i-- > at; value /= 10) text[i] = static_cast<char>('0' + value % 10);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Which of `rooms` belong to the i-th of `count` people.
std::vector<std::size_t> rooms_of(std::size_t i, std::size_t count, std::size_t rooms) {
  if (rooms <= count) return {i % rooms};
  std::vector<std::size_t> own;
  for (auto room = i; room < rooms; room += count) own.push_back(room);
  return own;
}

}  // namespace

Result<> check_shape(const LoadShape& shape) {
  const auto& p = shape.population;
  if (p.senders == 0 || p.senders > 9999 || p.receivers == 0 || p.rooms == 0)
    return fail(Errc::invalid_argument, "Senders are 1 to 9999, receivers and rooms at least 1.");
  if (p.rooms % p.receivers != 0 && p.receivers % p.rooms != 0)
    return fail(Errc::invalid_argument, "Rooms must be a multiple of receivers, or receivers of rooms.");
  if (shape.content_bytes < kContentMin || shape.content_bytes > 60'000)
    return fail(Errc::invalid_argument, "Content has " + std::to_string(kContentMin) + " to 60000 bytes.");
  if (shape.window == 0 || shape.window > 10'000)
    return fail(Errc::invalid_argument, "The window is 1 to 10000.");
  return {};
}

Load::Load(Run& run, Contender& contender, const LoadShape& shape)
    : run_(run), contender_(contender), shape_(shape), fleet_(run, this) {
  const auto& p = shape_.population;
  for (std::size_t s = 0; s < p.senders; ++s) {
    Sender sender;
    for (const auto room : rooms_of(s, p.senders, p.rooms))
      sender.topics.push_back(contender_.send_topic(room));
    sender.fanout = std::max<std::uint64_t>(1, p.receivers / p.rooms);
    senders_.push_back(std::move(sender));
  }
  last_.assign(p.receivers, std::vector<std::uint64_t>(p.senders, 0));
  content_ = kContentBegin;
  content_.append(kSenderDigits + kNumberDigits, '0');
  content_.append(shape_.content_bytes - kContentMin, 'x');
  content_ += kContentEnd;
}

Result<> Load::join() {
  const auto& p = shape_.population;
  std::vector<FleetMember> members;
  for (std::size_t i = 0; i < p.users(); ++i) {
    FleetMember member{.login = contender_.login(i), .session = {.keepalive_s = 3600}, .qos = shape_.qos};
    if (i >= p.senders) {
      for (const auto room : rooms_of(i - p.senders, p.receivers, p.rooms))
        member.filters.push_back(contender_.read_topic(room));
    }
    members.push_back(std::move(member));
  }
  return fleet_.join(contender_.broker().endpoint(run_.settings.version()), std::move(members));
}

Result<> Load::begin() {
  result_ = {};
  for (auto& sender : senders_) sender.sent = sender.acknowledged = sender.deliveries = 0;
  for (auto& numbers : last_) std::ranges::fill(numbers, 0);
  start_ = std::chrono::steady_clock::now();
  measure_from_ = start_ + run_.settings.warm_up();
  measure_to_ = measure_from_ + run_.settings.measured();
  return {};
}

Result<LoadResult> Load::saturate(const Stopwatch& stopwatch) {
  PARLEY_TRY(begin());
  filling_ = true;
  for (std::size_t s = 0; s < senders_.size(); ++s) fill(s);
  while (run_.reactor.now() < measure_from_) PARLEY_TRY(turn(measure_from_));
  stopwatch.begin();
  measure_from_ = std::chrono::steady_clock::now();
  result_.delivered = 0;
  while (run_.reactor.now() < measure_to_) PARLEY_TRY(turn(measure_to_));
  result_.measured = run_.reactor.now() - measure_from_;
  const auto delivered = result_.delivered;
  stopwatch.end();
  filling_ = false;
  PARLEY_TRY(drain());
  result_.delivered = delivered;
  return result_;
}

Result<LoadResult> Load::offer(double rate, const Stopwatch& stopwatch) {
  PARLEY_TRY(begin());
  interval_ = nanoseconds(static_cast<std::int64_t>(1e9 / rate));
  std::uint64_t message = 0;
  bool measuring = false;
  for (auto now = start_; now < measure_to_; now = std::chrono::steady_clock::now()) {
    if (!measuring && now >= measure_from_) {
      measuring = true;
      stopwatch.begin();
    }
    for (; due(message) <= now; ++message) send(message % senders_.size());
    PARLEY_TRY(turn(due(message)));
  }
  stopwatch.end();
  result_.measured = run_.settings.measured();
  PARLEY_TRY(drain());
  result_.delivered = result_.latency.count();
  interval_ = nanoseconds(0);
  return result_;
}

SteadyTime Load::due(std::uint64_t message) const {
  return start_ + interval_ * static_cast<std::int64_t>(message);
}

// One turn of the reactor, which may wait until `next`.
Result<> Load::turn(SteadyTime next) {
  constexpr nanoseconds kTurnMax = std::chrono::milliseconds(100);
  PARLEY_TRY(run_.reactor.poll(std::min<nanoseconds>(next - std::chrono::steady_clock::now(), kTurnMax)));
  if (!trouble_.empty()) return fail(Errc::internal, trouble_);
  PARLEY_TRY(fleet_.check());
  return run_.check();
}

bool Load::drained() const {
  return std::ranges::all_of(senders_, [&](const Sender& sender) {
    return sender.deliveries >= sender.sent * sender.fanout &&
           (shape_.qos == 0 || sender.acknowledged >= sender.sent);
  });
}

Result<> Load::drain() {
  const auto end = std::chrono::steady_clock::now() + kDrainBound;
  while (!drained()) {
    PARLEY_TRY(turn(end));
    if (std::chrono::steady_clock::now() > end) break;
  }
  std::uint64_t missing = 0;
  for (const auto& sender : senders_) {
    result_.sent += sender.sent;
    missing += sender.sent * sender.fanout - sender.deliveries;
  }
  if (missing > 0)
    return fail(Errc::internal, std::string(contender_.name()) + ": " + std::to_string(missing) +
                                    " deliveries of " + std::to_string(result_.sent) +
                                    " messages never came.");
  return {};
}

bool Load::may_send(const Sender& sender) const {
  const auto on_their_way = sender.sent - sender.deliveries / sender.fanout;
  const auto unacknowledged = shape_.qos == 0 ? 0 : sender.sent - sender.acknowledged;
  return std::max(on_their_way, unacknowledged) < shape_.window;
}

void Load::fill(std::size_t s) {
  while (filling_ && may_send(senders_[s])) send(s);
}

void Load::send(std::size_t s) {
  auto& sender = senders_[s];
  if (shape_.qos > 0 && sender.sent - sender.acknowledged >= kUnacknowledgedMax) {
    trouble_ = std::string(contender_.name()) +
               " does not keep up with the rate: a sender has 60,000 messages that are not acknowledged.";
    return;
  }
  put_number(content_, kContentBegin.size(), kSenderDigits, s);
  put_number(content_, kContentBegin.size() + kSenderDigits, kNumberDigits, sender.sent);
  fleet_[s].publish(sender.topics[sender.sent % sender.topics.size()], content_, shape_.qos,
                    static_cast<std::uint16_t>(sender.sent % 65'535 + 1));
  ++sender.sent;
}

void Load::acknowledged(Connection& connection, const Ack& ack) {
  if (ack.code >= 0x80) {
    trouble_ =
        std::string(contender_.name()) + " refused a message with code " + std::to_string(ack.code) + ".";
    return;
  }
  ++senders_[connection.tag()].acknowledged;
  fill(connection.tag());
}

void Load::delivered(Connection& connection, const Publish& publish) {
  const std::size_t tail = contender_.envelopes() ? 1 : 0;
  if (publish.payload.size() < content_.size() + tail) return;  // an entry of the backend's
  const auto content =
      publish.payload.substr(publish.payload.size() - tail - content_.size(), content_.size());
  if (!content.starts_with(kContentBegin)) return;
  const auto s = number(content.substr(kContentBegin.size(), kSenderDigits));
  const auto n = number(content.substr(kContentBegin.size() + kSenderDigits, kNumberDigits));
  if (s >= senders_.size()) return;
  auto& next = last_[connection.tag() - senders_.size()][s];
  if (n < next && trouble_.empty())
    trouble_ = std::string(contender_.name()) + " delivered a sender's messages out of order, or twice.";
  next = n + 1;
  ++senders_[s].deliveries;
  ++result_.delivered;
  if (interval_.count() > 0) {
    const auto due_at = due(n * senders_.size() + s);
    if (due_at >= measure_from_ && due_at < measure_to_) result_.latency.add(run_.reactor.now() - due_at);
    return;
  }
  fill(s);
}

}  // namespace parley::bench
