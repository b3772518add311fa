#pragma once
#include <string>
#include <string_view>

#include "backend/store/presence_store.h"

namespace parley::backend {

// What a device says of itself on users/{user}/devices/{device}/status.
enum class DeviceSays { nothing, online, away, offline };
DeviceSays read_device_status(std::string_view payload);  // what it can't read is nothing

// The payload of rooms/{room}/presence/{user}.
std::string format_presence(const PresenceRow& row);
std::string_view presence_name(PresenceStatus status);

}  // namespace parley::backend
