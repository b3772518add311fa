#include "tools/parleyctl/doctor/file_checks.h"

#include <sys/stat.h>
#include <unistd.h>

#include "backend/config/store_config.h"
#include "backend/store/postgres_address.h"
#include "base/certificate.h"
#include "base/file.h"
#include "plugin/broker/options.h"
#include "tools/parleyctl/doctor/system.h"
#include "tools/parleyctl/format.h"

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

constexpr const char* kSecrets = "secrets";
constexpr const char* kFolders = "folders";
constexpr const char* kDisk = "disk";
constexpr const char* kCertificates = "certificates";
constexpr hours kCertificateSoon{14 * 24};
constexpr std::uint64_t kFreePercentMin = 10;
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

std::optional<struct stat> look(const fs::path& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? std::optional(found) : std::nullopt;
}

std::string named(const std::string& what, const fs::path& path) {
  return path.string() + " (" + what + ")";
}

// Who Mosquitto becomes: itself, unless root starts it.
std::optional<unsigned> broker_user(const MosquittoConf& conf) {
  return user_id(conf.option("user", "mosquitto"));
}

Result<plugin::Options> plugin_options(const MosquittoConf& conf) {
  const auto* plugin = conf.parley();
  if (!plugin) return fail(Errc::not_found, "no plugin");
  return plugin::parse_options(plugin->options);
}

std::string chain_fault_of(const ConfListener& listener, WallTime now) {
  std::string why;
  for (const std::string& authorities : {listener.option("cafile"), std::string(kSystemAuthorities)}) {
    if (authorities.empty() || !fs::exists(authorities)) continue;
    const auto fault = chain_fault(listener.option("certfile"), authorities, now);
    if (fault && fault->empty()) return "";
    if (why.empty()) why = fault ? *fault : fault.error().message;
  }
  return why;
}

}  // namespace

void check_secret(const fs::path& file, const std::string& what, std::optional<unsigned> reader,
                  Findings& findings) {
  const auto found = look(file);
  if (!found)
    return findings.problem(kSecrets, named(what, file) + " is not there, or can't be seen by you.",
                            "Make it, or mend the option; run the doctor as root to see all files.");
  if ((found->st_mode & 0007) != 0)
    return findings.problem(kSecrets, named(what, file) + " is open to everybody.",
                            "chmod o= " + file.string());
  const bool by_group = (found->st_mode & 0040) != 0;
  if (reader && found->st_uid != *reader && !by_group && *reader != 0)
    return findings.problem(kSecrets, named(what, file) + " can't be read by the user who needs it.",
                            "Change its owner, or give it a group that both are in (mode 0640).");
  findings.ok(kSecrets, named(what, file) + " is closed to others.");
}

void check_folder(const fs::path& folder, const std::string& what, std::optional<unsigned> writer,
                  Findings& findings) {
  const auto found = look(folder);
  if (!found || !S_ISDIR(found->st_mode))
    return findings.problem(kFolders, named(what, folder) + " is not there, or can't be seen by you.",
                            "Make it, for the user of the program that writes there alone (mode 0700).");
  if ((found->st_mode & 0002) != 0)
    return findings.problem(kFolders, named(what, folder) + " can be written by everybody.",
                            "chmod o-w " + folder.string());
  if (writer && *writer != 0 && found->st_uid != *writer && (found->st_mode & 0020) == 0)
    return findings.problem(kFolders, named(what, folder) + " can't be written by the user who needs to.",
                            "Change its owner: chown -R USER " + folder.string());
  findings.ok(kFolders, named(what, folder) + " belongs to who writes there.");
  if (const auto space = disk_space(folder)) judge_disk(*space, folder, findings);
}

void judge_disk(const DiskSpace& space, const fs::path& folder, Findings& findings) {
  const auto percent = [](std::uint64_t free, std::uint64_t all) {
    return all == 0 ? 100 : free * 100 / all;
  };
  const auto bytes = percent(space.bytes_free, space.bytes),
             inodes = percent(space.inodes_free, space.inodes);
  if (bytes < kFreePercentMin)
    findings.problem(
        kDisk, "The disk of " + folder.string() + " has " + std::to_string(bytes) + " % left.",
        "Make room: without it messages are refused. Retention lets old ones go (retention.default_s).");
  else if (inodes < kFreePercentMin)
    findings.problem(
        kDisk, "The disk of " + folder.string() + " has " + std::to_string(inodes) + " % of its inodes left.",
        "Remove small files there; they may be another program's.");
  else
    findings.ok(kDisk, "The disk of " + folder.string() + " has " + std::to_string(bytes) + " % left.");
}

void check_certificate(const ConfListener& listener, WallTime now, Findings& findings) {
  const auto file = listener.option("certfile"), key = listener.option("keyfile");
  const auto where = file + " (listener " + listener.shown() + ")";
  const auto certificate = read_certificate(file);
  if (!certificate)
    return findings.problem(kCertificates, certificate.error().message,
                            "Mosquitto needs it to start: put it there.");
  const auto until = format_time_ms(to_ms(certificate->until));
  if (certificate->until <= now)
    return findings.problem(kCertificates, where + " ended at " + until + ".",
                            "Renew it, then send Mosquitto SIGHUP.");
  if (certificate->from > now)
    return findings.problem(kCertificates, where + " is not valid yet.", "Look at this machine's clock.");
  if (certificate->until < now + kCertificateSoon)
    findings.problem(kCertificates, where + " ends at " + until + ".",
                     "Renew it, then send Mosquitto SIGHUP.");
  if (!key.empty()) {
    const auto belongs = key_belongs_to(file, key);
    if (!belongs)
      return findings.problem(kCertificates, belongs.error().message, "Mosquitto needs the key to start.");
    if (!*belongs)
      return findings.problem(kCertificates, key + " is not the key of " + file + ".",
                              "Put the key there that the certificate was made with.");
  }
  if (const auto fault = chain_fault_of(listener, now); !fault.empty())
    findings.note(kCertificates, where + " does not lead to an authority this machine trusts: " + fault + ".",
                  "With a private authority that is as it should be. Otherwise append the certificates "
                  "between to the file.");
  findings.ok(kCertificates, where + " is valid until " + until + ".");
}

void check_broker_files(const MosquittoConf& conf, WallTime now, Findings& findings) {
  for (const auto& listener : conf.listeners) {
    if (!listener.tls()) continue;
    check_certificate(listener, now, findings);
    // Mosquitto reads keys before it gives up being root.
    if (!listener.option("keyfile").empty())
      check_secret(listener.option("keyfile"), "keyfile", std::nullopt, findings);
  }
  const auto options = plugin_options(conf);
  if (!options) return;
  const auto user = broker_user(conf);
  check_folder(options->data_dir, "plugin_opt_data_dir", user, findings);
  check_secret(options->backend_secret_file, "plugin_opt_backend_secret_file", user, findings);
  if (options->jwt_algorithm == "HS256")
    check_secret(options->jwt_key_file, "plugin_opt_jwt_key_file", user, findings);
}

void check_backend_files(const backend::Config& config, Findings& findings) {
  const std::pair<const char*, const std::string*> secrets[] = {
      {"broker.secret_file", &config.broker.secret_file},
      {"store_password_file", &config.store_password_file},
      {"cache_password_file", &config.cache_password_file},
      {"fcm.service_account_file", &config.notify.fcm.service_account_file},
      {"apns.key_file", &config.notify.apns.key_file},
      {"webpush.key_file", &config.notify.webpush.key_file},
      {"webhook.secret_file", &config.notify.webhook.secret_file},
      {"email.password_file", &config.notify.email.password_file}};
  for (const auto& [key, file] : secrets)
    if (!file->empty()) check_secret(*file, key, std::nullopt, findings);
  if (backend::is_postgres_url(config.store)) return;
  const auto file = backend::sqlite_path(config.store);
  if (!file) return;
  const auto folder = fs::absolute(*file).parent_path();
  check_folder(folder, "store", std::nullopt, findings);
  const auto database = look(*file), around = look(folder);
  if (database && around && (database->st_mode & 0007) != 0 && (around->st_mode & 0001) != 0)
    findings.problem(kFolders, named("store", *file) + " is open to everybody: all messages are in it.",
                     "chmod o= " + *file);
}

void check_shared_secret(const MosquittoConf& conf, const backend::Config& config, Findings& findings) {
  const auto options = plugin_options(conf);
  if (!options || config.broker.secret_file.empty()) return;
  const auto theirs = read_secret_file(options->backend_secret_file),
             ours = read_secret_file(config.broker.secret_file);
  if (!theirs || !ours) return;  // told of already
  if (*theirs != *ours)
    findings.problem(
        kSecrets,
        "The plugin's backend_secret_file and parleyd's broker.secret_file differ: parleyd can't log in.",
        "Put one secret into both, then restart both programs.");
  else
    findings.ok(kSecrets, "Plugin and parleyd have the same secret.");
}

}  // namespace parley::ctl
