#include <benchmark/benchmark.h>

#include "plugin/auth/scram_client.h"
#include "plugin/auth/scram_exchange.h"

// What a login costs the broker's thread: an exchange from its first message to its last, and a slow check of a password. In a release build:
//   ninja -C build/release scram_bench && build/release/plugin/auth/scram_bench
namespace parley::plugin {
namespace {

constexpr std::string_view kNonce = "0123456789abcdefghijklmn";

void exchange(benchmark::State& state) {
  const ScramVerifier verifier = make_scram_verifier("secret");
  const ScramClient client{.user = "alice", .password = "secret"};
  const std::string first = client.first();
  const std::string last =
      client.final(ScramExchange(*parse_scram_first(first), verifier, kNonce).server_first());
  for (auto _ : state) {
    benchmark::DoNotOptimize(fake_scram_verifier("0123456789abcdef0123456789abcdef", "alice"));
    benchmark::DoNotOptimize(make_scram_nonce());
    const ScramExchange begun(*parse_scram_first(first), verifier, kNonce);
    if (!begun.finish(last)) state.SkipWithError("it was refused");
  }
}

void slow_check(benchmark::State& state) {
  const ScramVerifier verifier = make_scram_verifier("secret");
  for (auto _ : state) benchmark::DoNotOptimize(scram_matches(verifier, "secret"));
}

BENCHMARK(exchange);
BENCHMARK(slow_check);

}  // namespace
}  // namespace parley::plugin

BENCHMARK_MAIN();
