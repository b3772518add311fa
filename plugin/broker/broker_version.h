#pragma once

namespace parley::plugin {

// Of the Mosquitto this runs in, as 2000011 for 2.0.11; 0 when it can't be found out. A broker of 2.0 has no function for plugins that
// tells it: the libmosquitto that comes with it does. Loads that library, once.
int broker_version();

// libmosquitto when it is of 2.0, else nullptr. Never closed: its functions are used until the broker ends.
void* libmosquitto_2_0();

}  // namespace parley::plugin
