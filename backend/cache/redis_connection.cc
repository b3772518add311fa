#include "backend/cache/redis_connection.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cerrno>

#ifdef PARLEY_HIREDIS_SSL
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#endif

namespace parley::backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

timeval timeval_of(milliseconds time) {
  return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};

RedisReply converted(const redisReply& reply) {
  RedisReply out;
  switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
      out.type = reply.type == REDIS_REPLY_ERROR ? RedisReply::Type::error : RedisReply::Type::text;
      out.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_INTEGER:
      out.type = RedisReply::Type::integer;
      out.integer = reply.integer;
      break;
    case REDIS_REPLY_ARRAY:
      out.type = RedisReply::Type::list;
      for (std::size_t i = 0; i < reply.elements; ++i) out.list.push_back(converted(*reply.element[i]));
      break;
    default:
      break;
  }
  return out;
}

Error failure_of(const redisContext& context, const char* doing) {
  const bool late =
      context.err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETIMEDOUT);
  return {late ? Errc::timeout : Errc::unavailable,
          std::string("Redis: ") + doing + ": " + (late ? "no answer in time" : context.errstr) + "."};
}

#ifdef PARLEY_HIREDIS_SSL
struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// The server must show a certificate of its own name, or address, that a known authority signed.
Result<> begin_tls(redisContext& context, const std::string& host, const RedisTls& tls) {
  std::unique_ptr<SSL_CTX, FreeSslContext> settings(SSL_CTX_new(TLS_client_method()));
  const bool known = settings && (tls.ca_file.empty() ? SSL_CTX_set_default_verify_paths(settings.get())
                                                      : SSL_CTX_load_verify_locations(
                                                            settings.get(), tls.ca_file.c_str(), nullptr));
  if (!known)
    return fail(Errc::invalid_argument, "Redis: the file of certificate authorities can't be read.");
  SSL_CTX_set_verify(settings.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(settings.get(), TLS1_2_VERSION);
  SSL* ssl = SSL_new(settings.get());
  if (!ssl) return fail(Errc::internal, "Redis: no TLS session could be made.");
  auto* wanted = SSL_get0_param(ssl);
  if (!X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())) {
    SSL_set1_host(ssl, host.c_str());
    SSL_set_tlsext_host_name(ssl, host.c_str());
  }
  if (redisInitiateSSL(&context, ssl) == REDIS_OK) return {};  // the context has `ssl` now
  return fail(Errc::unavailable, std::string("Redis: TLS: ") + context.errstr + ".");
}
#else
Result<> begin_tls(redisContext&, const std::string&, const RedisTls&) {
  return fail(Errc::invalid_argument, "Redis over TLS needs hiredis 1.0 or later, with its hiredis_ssl.");
}
#endif

}  // namespace

struct RedisConnection::Impl {
  std::unique_ptr<redisContext, FreeContext> context;
  RedisTimes times;

  Result<> send(const std::vector<RedisCommand>& commands, steady_clock::time_point deadline) {
    std::vector<const char*> arguments;
    std::vector<std::size_t> sizes;
    for (const auto& command : commands) {
      arguments.clear();
      sizes.clear();
      for (const auto& argument : command) {
        arguments.push_back(argument.data());
        sizes.push_back(argument.size());
      }
      if (redisAppendCommandArgv(context.get(), static_cast<int>(arguments.size()), arguments.data(),
                                 sizes.data()) != REDIS_OK)
        return std::unexpected(failure_of(*context, "a command"));
    }
    for (int done = 0; done == 0;) {
      if (steady_clock::now() > deadline) return fail(Errc::timeout, "Redis: a command: not sent in time.");
      if (redisBufferWrite(context.get(), &done) != REDIS_OK)
        return std::unexpected(failure_of(*context, "a command"));
    }
    return {};
  }

  // hiredis limits the wait for each piece alone, and takes a reply of any size.
  Result<RedisReply> receive(steady_clock::time_point deadline, std::size_t& received) {
    for (;;) {
      void* raw = nullptr;
      if (redisGetReplyFromReader(context.get(), &raw) != REDIS_OK)
        return std::unexpected(failure_of(*context, "a reply"));
      if (const std::unique_ptr<void, FreeReply> reply{raw}) return converted(*static_cast<redisReply*>(raw));
      if (steady_clock::now() > deadline) return fail(Errc::timeout, "Redis: a reply: not all came in time.");
      const auto before = context->reader->len;
      if (redisBufferRead(context.get()) != REDIS_OK) return std::unexpected(failure_of(*context, "a reply"));
      received += context->reader->len - std::min(before, context->reader->len);
      if (received > kReplyMax) return fail(Errc::unavailable, "Redis: a reply is larger than is taken.");
    }
  }
};

RedisConnection::RedisConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RedisConnection::~RedisConnection() = default;

bool RedisConnection::has_tls() {
#ifdef PARLEY_HIREDIS_SSL
  return true;
#else
  return false;
#endif
}

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisAddress& address,
                                                               const RedisTimes& times, const RedisTls& tls) {
  auto impl = std::make_unique<Impl>();
  impl->times = times;
  impl->context.reset(redisConnectWithTimeout(address.host.c_str(), address.port, timeval_of(times.connect)));
  if (!impl->context) return fail(Errc::unavailable, "Redis: no memory for a connection.");
  if (impl->context->err) return std::unexpected(failure_of(*impl->context, "connecting"));
  redisSetTimeout(impl->context.get(), timeval_of(times.command));
  if (tls.on)
    if (auto begun = begin_tls(*impl->context, address.host, tls); !begun)
      return std::unexpected(begun.error());
  return std::unique_ptr<RedisConnection>(new RedisConnection(std::move(impl)));
}

Result<std::vector<RedisReply>> RedisConnection::run(const std::vector<RedisCommand>& commands) {
  const auto deadline = steady_clock::now() + impl_->times.command;
  if (auto sent = impl_->send(commands, deadline); !sent) return std::unexpected(sent.error());
  std::vector<RedisReply> replies;
  std::size_t received = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    auto reply = impl_->receive(deadline, received);
    if (!reply) return std::unexpected(reply.error());
    replies.push_back(*std::move(reply));
  }
  return replies;
}

}  // namespace parley::backend
