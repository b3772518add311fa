#include <openssl/evp.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/try.h"
#include "wire/request.h"

namespace parley::bench {
namespace {

using wire::Json;

constexpr const char* kPassword = "benchmark";
constexpr int kIterations = 101;  // Mosquitto's own default

class DynamicSecurity final : public Contender {
 public:
  explicit DynamicSecurity(Broker broker) : broker_(std::move(broker)) {}
  std::string_view name() const override { return "dynamic-security"; }
  Broker& broker() override { return broker_; }
  Login login(std::size_t user) const override {
    return {.client_id = user_name(user), .user = user_name(user), .password = kPassword};
  }
  std::string send_topic(std::size_t room) const override { return read_topic(room); }

 private:
  Broker broker_;
};

std::string pbkdf2_sha512(std::string_view password, std::string_view salt) {
  std::string key(64, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                    kIterations, EVP_sha512(), static_cast<int>(key.size()),
                    reinterpret_cast<unsigned char*>(key.data()));
  return key;
}

Json client(std::size_t user) {
  const auto salt = random_bytes(12);
  return {{"username", user_name(user)},
          {"roles", Json::array()},
          {"password", base64_encode(pbkdf2_sha512(kPassword, salt))},
          {"salt", base64_encode(salt)},
          {"iterations", kIterations}};
}

Json role(std::size_t room) {
  const auto topic = "rooms/" + room_name(room) + "/messages";
  auto acls = Json::array();
  for (const char* access : {"publishClientSend", "publishClientReceive", "subscribeLiteral"})
    acls.push_back({{"acltype", access}, {"topic", topic}, {"priority", 0}, {"allow", true}});
  return {{"rolename", room_name(room)}, {"acls", acls}};
}

Json group(std::size_t room, std::size_t users) {
  auto clients = Json::array();
  for (std::size_t i = 0; i < users; ++i) clients.push_back({{"username", user_name(i)}});
  return {{"groupname", room_name(room)},
          {"roles", Json::array({{{"rolename", room_name(room)}}})},
          {"clients", clients}};
}

// The file of the plugin's own format, as its $CONTROL commands would write it.
Json configuration(const Population& population) {
  Json all{{"defaultACLAccess",
            {{"publishClientSend", false},
             {"publishClientReceive", false},
             {"subscribe", false},
             {"unsubscribe", true}}},
           {"clients", Json::array()},
           {"groups", Json::array()},
           {"roles", Json::array()}};
  for (std::size_t i = 0; i < population.users(); ++i) all["clients"].push_back(client(i));
  for (std::size_t i = 0; i < population.rooms; ++i) {
    all["roles"].push_back(role(i));
    all["groups"].push_back(group(i, population.users()));
  }
  return all;
}

}  // namespace

Result<std::unique_ptr<Contender>> start_dynamic_security(Run& run, const Population& population) {
  const auto& plugin = run.settings.programs.dynamic_security;
  if (plugin.empty())
    return fail(Errc::not_found,
                "mosquitto_dynamic_security.so is not where it is looked for: say --dynamic-security.");
  const auto folder = run.folder / "dynamic-security";
  PARLEY_TRY(make_folder(folder));
  PARLEY_TRY(write_text(folder / "dynamic-security.json", configuration(population).dump()));
  auto broker =
      PARLEY_TRY(Broker::prepare(run, folder,
                                 {"allow_anonymous false", "plugin " + plugin.string(),
                                  "plugin_opt_config_file " + (folder / "dynamic-security.json").string()}));
  PARLEY_TRY(broker.start());
  return std::make_unique<DynamicSecurity>(std::move(broker));
}

}  // namespace parley::bench
