#pragma once
#include "plugin/directory/directory.h"

namespace parley::plugin {

// Whose sessions must end when `after` takes the place of `before`: users who are gone, disabled, have
// another password, are administrators no longer, or lost a room they were in (each once, with the first
// reason found), and tokens that are gone or changed. Provisional users are not looked at. Time: about 0.3 µs
// a membership of `before`; meant for a background thread.
Effects rights_lost(const Directory& before, const Directory& after);

}  // namespace parley::plugin
