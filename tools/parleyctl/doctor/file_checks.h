#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "backend/config/config.h"
#include "base/clock.h"
#include "base/disk_space.h"
#include "tools/parleyctl/doctor/findings.h"
#include "tools/parleyctl/doctor/mosquitto_conf.h"

namespace parley::ctl {

// Each looks at files and says how they stand; none changes anything.
// A file with a secret: there, not readable for others, and its owner is whoever must read it (nullopt: not known).
void check_secret(const std::filesystem::path& file, const std::string& what, std::optional<unsigned> reader,
                  Findings& findings);
// A folder with data: there, not writable for others, owned by whoever writes it; and its disk.
void check_folder(const std::filesystem::path& folder, const std::string& what,
                  std::optional<unsigned> writer, Findings& findings);
void judge_disk(const DiskSpace& space, const std::filesystem::path& folder, Findings& findings);
// A listener's certificate: it has not ended, nor will soon, its key is its key, and its chain is whole.
void check_certificate(const ConfListener& listener, WallTime now, Findings& findings);

// The files the two configurations name.
void check_broker_files(const MosquittoConf& conf, WallTime now, Findings& findings);
void check_backend_files(const backend::Config& config, Findings& findings);
// Both sides have one secret.
void check_shared_secret(const MosquittoConf& conf, const backend::Config& config, Findings& findings);

}  // namespace parley::ctl
