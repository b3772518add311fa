#include "tools/parley-bench/load_options.h"

#include "tools/parley-bench/try.h"

namespace parley::bench {

void LoadOptions::add_to(CLI::App& command) {
  auto& p = shape.population;
  command.add_option("--senders", p.senders, "Connections that send")->capture_default_str();
  command.add_option("--receivers", p.receivers, "Connections that receive")->capture_default_str();
  command.add_option("--rooms", p.rooms, "Rooms; every user is a member of each of them")
      ->capture_default_str();
  command.add_option("--fanout", fanout, "One sender, one room, and this many receivers");
  command.add_option("--qos", shape.qos, "0 or 1, of sending and of receiving")
      ->check(CLI::Range(0, 1))
      ->capture_default_str();
  command.add_option("--content", shape.content_bytes, "Bytes of a message's content")->capture_default_str();
  command
      .add_option("--window", shape.window,
                  "Messages a sender may have under way: not acknowledged, or not with its reader")
      ->capture_default_str();
}

Result<LoadShape> LoadOptions::resolve() const {
  auto resolved = shape;
  if (fanout > 0) resolved.population = {.senders = 1, .receivers = fanout, .rooms = 1};
  PARLEY_TRY(check_shape(resolved));
  return resolved;
}

}  // namespace parley::bench
