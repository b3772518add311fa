// For tests: the providers as parleyd makes them, without a parleyd around them.
//   notify_deliver KEY=VALUE…      the keys of parleyd.toml
// Each line of standard input is an object {"provider","to":{"id","user","address","keys","at"},"notification":{…}}; for each one a
// line {"line","what","reason","after_ms","of_target","took_ms"} is written when its delivery is over, in that order. Ends with its input.
#include <csignal>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backend/config/config.h"
#include "backend/notify/providers/make_providers.h"

namespace {

using namespace parley;
using namespace parley::backend;
using Json = nlohmann::json;

class NoPublisher final : public Publisher {
  Result<> publish(Publication) override { return fail(Errc::unavailable, "There is no broker."); }
};

const char* name_of(Delivery::What what) {
  static constexpr const char* kNames[] = {"sent", "retry", "target_dead", "refused", "misconfigured"};
  return kNames[static_cast<std::size_t>(what)];
}

Notification notification_of(const Json& json) {
  const std::vector<std::string> kinds{"message", "updated", "withdrawn", "digest"};
  const auto kind = std::ranges::find(kinds, json.value("kind", "message")) - kinds.begin();
  Notification notification{.kind = static_cast<Notification::Kind>(kind),
                            .id = json.at("id"),
                            .collapse = json.value("collapse", ""),
                            .user = json.value("user", ""),
                            .room = json.value("room", ""),
                            .room_title = json.value("room_title", ""),
                            .from = json.value("from", ""),
                            .text = json.value("text", ""),
                            .type = json.value("type", ""),
                            .seq = json.value("seq", std::uint64_t{0}),
                            .direct = json.value("direct", false),
                            .mention = json.value("mention", false),
                            .count = json.value("count", std::uint64_t{0}),
                            .badge = json.value("badge", std::uint64_t{0}),
                            .at = from_ms(json.value("at", std::int64_t{0})),
                            .expires = from_ms(json.value("expires", std::int64_t{0}))};
  for (const auto& line : json.value("lines", Json::array()))
    notification.lines.push_back({line.value("room", ""), line.value("from", ""), line.value("text", ""),
                                  line.value("count", std::uint64_t{0})});
  return notification;
}

Registration registration_of(const Json& json) {
  return {.id = json.value("id", ""),
          .user = json.value("user", ""),
          .address = json.value("address", ""),
          .keys = json.value("keys", "{}"),
          .at = from_ms(json.value("at", std::int64_t{0}))};
}

class Output {
 public:
  void write(const Json& line) {
    const std::lock_guard lock(mutex_);
    std::cout << line.dump() << std::endl;
  }

 private:
  std::mutex mutex_;
};

void deliver(const std::vector<std::unique_ptr<Provider>>& providers, std::size_t number, const Json& line,
             Output& output) {
  const std::string name = line.at("provider");
  const auto provider = std::ranges::find(providers, name, [](const auto& p) { return p->name(); });
  if (provider == providers.end()) throw std::runtime_error("no provider " + name);
  const auto began = std::chrono::steady_clock::now();
  (*provider)->send(
      notification_of(line.at("notification")), registration_of(line.value("to", Json::object())),
      [&output, number, began](const Delivery& delivery) {
        const auto took = std::chrono::steady_clock::now() - began;
        output.write({{"line", number},
                      {"what", name_of(delivery.what)},
                      {"reason", delivery.reason},
                      {"after_ms", delivery.after.count()},
                      {"of_target", delivery.of_target},
                      {"took_ms", std::chrono::round<std::chrono::milliseconds>(took).count()}});
      });
}

int run(const std::vector<std::string>& settings) {
  const auto config = parse_config("", "deliver", settings);
  if (!config) throw std::runtime_error(config.error().front());
  NoPublisher publisher;
  const SystemClock clock;
  Output output;
  const auto providers = make_providers(*config, publisher, {}, clock);
  if (!providers) throw std::runtime_error(providers.error().message);
  std::string line;
  for (std::size_t number = 0; std::getline(std::cin, line); ++number)
    deliver(*providers, number, Json::parse(line), output);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::cerr << "notify_deliver: " << e.what() << '\n';
    return 1;
  }
}
