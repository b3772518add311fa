#pragma once
#include <string>

#include "backend/config/config.h"
#include "tools/parleyctl/doctor/findings.h"
#include "tools/parleyctl/doctor/metrics_text.h"
#include "tools/parleyctl/doctor/mosquitto_conf.h"

namespace parley::ctl {

// Do the listeners of the configuration take connections? A listener on every interface is tried at 127.0.0.1.
void check_listening(const MosquittoConf& conf, Findings& findings);
// What the running parleyd says of itself and of the broker, by /readyz and /metrics.
void check_running(const backend::Config& config, const std::string& own_version, Findings& findings);
// What its metrics tell: versions, clocks, journal, dependencies, queues, file descriptors. Pure.
void judge_metrics(const MetricsText& metrics, const std::string& own_version, Findings& findings);
// The program parleyd: is its configuration valid, does its store answer, and is it of our version?
void check_program(const std::string& parleyd, const std::string& config_file, const std::string& own_version,
                   Findings& findings);
void check_clock(Findings& findings);

}  // namespace parley::ctl
