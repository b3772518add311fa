#pragma once
#include "tools/parleyctl/doctor/findings.h"
#include "tools/parleyctl/doctor/mosquitto_conf.h"

namespace parley::ctl {

// What a mosquitto.conf says that bites with Parley (README, "Things to know about Mosquitto"). Pure.
void check_broker_conf(const MosquittoConf& conf, Findings& findings);

// "7d" "2w" "1m" (month) "1y" "3h", as persistent_client_expiration has it, in hours; nullopt when it is none of these.
std::optional<std::int64_t> expiration_hours(const std::string& text);

}  // namespace parley::ctl
