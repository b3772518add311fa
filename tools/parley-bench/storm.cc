#include "tools/parley-bench/storm.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tools/parley-bench/try.h"

namespace parley::bench {

Storm::Storm(Run& run, Broker& broker, std::size_t at_once)
    : run_(run), broker_(broker), welcomed_(at_once, 0) {
  for (std::size_t i = 0; i < at_once; ++i)
    connections_.push_back(
        std::make_unique<Connection>(run.reactor, *this, broker.endpoint(run.settings.version()), i));
}

void Storm::begin_counting() {
  done_ = 0;
  begin_ = std::chrono::steady_clock::now();
  cpu_begin_ = broker_.process().cpu_seconds();
}

StormResult Storm::counted() {
  const auto count = static_cast<double>(std::max<std::size_t>(done_, 1));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin_;
  return {.logins_per_second = static_cast<double>(done_) / took.count(),
          .broker_cpu_us = 1e6 * (broker_.process().cpu_seconds() - cpu_begin_) / count};
}

Result<StormResult> Storm::repeat(const std::vector<Login>& logins) {
  const auto own_login = [&](std::size_t i) { return std::optional(logins[i % logins.size()]); };
  const auto from = std::chrono::steady_clock::now() + run_.settings.warm_up();
  const auto to = from + run_.settings.measured();
  for (std::size_t i = 0; i < connections_.size(); ++i) ready_.push_back(i);
  PARLEY_TRY(go_on(own_login, [&] { return std::chrono::steady_clock::now() >= from; }));
  begin_counting();
  PARLEY_TRY(go_on(own_login, [&] { return std::chrono::steady_clock::now() >= to; }));
  return counted();
}

Result<StormResult> Storm::once(const std::vector<Login>& logins) {
  std::size_t next = 0;
  const auto next_login = [&](std::size_t) {
    return next < logins.size() ? std::optional(logins[next++]) : std::nullopt;
  };
  for (std::size_t i = 0; i < std::min(connections_.size(), logins.size()); ++i) ready_.push_back(i);
  begin_counting();
  PARLEY_TRY(go_on(next_login, [&] { return done_ >= logins.size(); }));
  return counted();
}

template <class NextLogin, class Done>
Result<> Storm::go_on(NextLogin next_login, Done done) {
  while (!done()) {
    for (const auto i : std::exchange(ready_, {})) {
      if (const std::optional<Login> login = next_login(i)) PARLEY_TRY(connections_[i]->open(*login, {}));
    }
    PARLEY_TRY(run_.reactor.poll(std::chrono::milliseconds(10)));
    if (!trouble_.empty()) return fail(Errc::permission_denied, trouble_);
    PARLEY_TRY(run_.check());
  }
  return {};
}

void Storm::connected(Connection& connection, const Connack& connack) {
  if (connack.code != 0) trouble_ = "A login was refused with code " + std::to_string(connack.code) + ".";
  welcomed_[connection.tag()] = 1;
  connection.disconnect();
}

void Storm::closed(Connection& connection, std::string_view why) {
  if (!std::exchange(welcomed_[connection.tag()], char{0}))
    trouble_ = "A login was not answered: " + std::string(why) + ".";
  ++done_;
  ready_.push_back(connection.tag());
}

}  // namespace parley::bench
