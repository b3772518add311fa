#include "backend/cache/redis_dialer.h"

#include <charconv>

namespace parley::backend {
namespace {

using Type = RedisReply::Type;

Error refused(const char* what, const RedisReply& reply) {
  return {Errc::unavailable, std::string("Redis refused ") + what + " (" + reply.error_word() + ")."};
}

Result<> log_in(RedisConnection& connection, const RedisTarget& target) {
  std::vector<RedisCommand> commands;
  if (!target.password.empty())
    commands.push_back(target.user.empty() ? RedisCommand{"AUTH", target.password}
                                           : RedisCommand{"AUTH", target.user, target.password});
  if (target.database != 0) commands.push_back({"SELECT", std::to_string(target.database)});
  if (commands.empty()) return {};
  const auto replies = connection.run(commands);
  if (!replies) return std::unexpected(replies.error());
  for (const auto& reply : *replies)
    if (reply.type == Type::error) return std::unexpected(refused("the login", reply));
  return {};
}

Result<RedisReply> ask(RedisConnection& connection, const RedisCommand& command, const char* what) {
  auto replies = connection.run({command});
  if (!replies) return std::unexpected(replies.error());
  auto& reply = replies->front();
  if (reply.type == Type::error) return std::unexpected(refused(what, reply));
  return std::move(reply);
}

Result<RedisAddress> master_of(RedisConnection& sentinel, const std::string& name) {
  const auto reply =
      ask(sentinel, {"SENTINEL", "get-master-addr-by-name", name}, "the question for the master");
  if (!reply) return std::unexpected(reply.error());
  if (reply->type != Type::list || reply->list.size() != 2)
    return fail(Errc::unavailable, "The sentinel knows no master " + name + ".");
  RedisAddress address{.host = reply->list[0].text, .port = 0};
  const auto& port = reply->list[1].text;
  std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (address.host.empty() || address.port == 0)
    return fail(Errc::unavailable, "The sentinel gave no address of master " + name + ".");
  return address;
}

Result<> be_sure_of_master(RedisConnection& connection) {
  const auto role = ask(connection, {"ROLE"}, "to tell its role");
  if (!role) return std::unexpected(role.error());
  if (role->type == Type::list && !role->list.empty() && role->list[0].text == "master") return {};
  return fail(Errc::unavailable, "The Redis that the sentinel calls master is none (yet).");
}

}  // namespace

RedisDialer::RedisDialer(RedisTarget target, const RedisTimes& times, RedisTls tls)
    : target_(std::move(target)), times_(times), tls_(std::move(tls)) {}

RedisDialer::Dialed RedisDialer::dial() {
  if (target_.master.empty()) return dial_server(target_.addresses.front());
  Dialed dialed = fail(Errc::unavailable, "No sentinel answers.");
  const auto count = target_.addresses.size();
  for (std::size_t i = 0, begin = knowing_; i < count; ++i) {
    const auto at = (begin + i) % count;
    dialed = dial_master(target_.addresses[at]);
    if (!dialed) continue;
    knowing_ = at;
    return dialed;
  }
  return dialed;
}

RedisDialer::Dialed RedisDialer::dial_server(const RedisAddress& address) {
  auto connection = RedisConnection::open(address, times_, tls_);
  if (!connection) return connection;
  if (auto in = log_in(**connection, target_); !in) return std::unexpected(in.error());
  return connection;
}

RedisDialer::Dialed RedisDialer::dial_master(const RedisAddress& sentinel) {
  auto knowing = RedisConnection::open(sentinel, times_, {});
  if (!knowing) return knowing;
  const auto address = master_of(**knowing, target_.master);
  if (!address) return std::unexpected(address.error());
  auto connection = dial_server(*address);
  if (!connection) return connection;
  if (auto sure = be_sure_of_master(**connection); !sure) return std::unexpected(sure.error());
  return connection;
}

}  // namespace parley::backend
