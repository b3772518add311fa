#pragma once
#include "tools/parleyctl/commands.h"
#include "tools/parleyctl/stop_signal.h"

namespace parley::ctl {

// Before the next try of what the server could not take: half a minute in all, then false; the same command goes on later.
bool wait_a_moment(const StopSignal& stop, int tries);

void add_import_slack_command(CLI::App& import, Context& context);
void add_import_room_command(CLI::App& import, Context& context);

}  // namespace parley::ctl
