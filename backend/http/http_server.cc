#include "backend/http/http_server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace parley::backend {
namespace {

constexpr auto kSocketTimeoutS = 5;

// httplib asks for SO_REUSEPORT by itself: two servers would then share a port without either knowing.
void set_socket_options(socket_t socket) {
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

void answer_json(httplib::Response& response, int status, const nlohmann::json& body) {
  response.status = status;
  response.set_content(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                       "application/json");
}

}  // namespace

struct HttpServer::Impl {
  httplib::Server server;
  HttpSources sources;
  std::thread thread;
  int port = 0;

  void route(const LogSink& log) {
    server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      answer_json(response, 200, {{"alive", true}});
    });
    server.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const auto state = sources.readiness();
      if (state.ready) return answer_json(response, 200, {{"ready", true}});
      answer_json(response, 503, {{"ready", false}, {"reason", state.reason}});
    });
    server.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(sources.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    server.set_exception_handler(
        [log](const httplib::Request& request, httplib::Response& response, std::exception_ptr) {
          log(LogLevel::error, "an exception while answering " + request.path);
          answer_json(response, 500, {{"error", "internal"}});
        });
  }
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpOptions& options, HttpSources sources,
                                                      const LogSink& log) {
  auto impl = std::make_unique<Impl>();
  impl->sources = std::move(sources);
  auto& server = impl->server;
  server.new_task_queue = [threads = options.threads] { return new httplib::ThreadPool(threads); };
  server.set_payload_max_length(options.payload_max);
  server.set_read_timeout(kSocketTimeoutS);
  server.set_write_timeout(kSocketTimeoutS);
  server.set_keep_alive_timeout(kSocketTimeoutS);
  server.set_socket_options(set_socket_options);
  impl->route(log);
  impl->port = options.port == 0                                    ? server.bind_to_any_port(options.address)
               : server.bind_to_port(options.address, options.port) ? options.port
                                                                    : -1;
  if (impl->port <= 0)
    return fail(Errc::unavailable, "The HTTP server can't listen on " + options.address + ":" +
                                       std::to_string(options.port) +
                                       ": is the port in use? (http.address, http.port)");
  impl->thread = std::thread([raw = impl.get()] { raw->server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();  // a stop() before would be overheard
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  impl_->server.stop();
  impl_->thread.join();
}

std::uint16_t HttpServer::port() const {
  return static_cast<std::uint16_t>(impl_->port);
}

}  // namespace parley::backend
