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

void answer_page(httplib::Response& response, int status, const std::string& inner) {
  response.status = status;
  response.set_header("Referrer-Policy", "no-referrer");  // the address holds the token
  response.set_content(
      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Notifications</title></head><body>" +
          inner + "</body></html>\n",
      "text/html; charset=utf-8");
}

// The form has no address of its own: it goes to where the page came from, token and all.
constexpr auto kAsk =
    "<p>No more mails about unread messages?</p><form method=\"post\"><button>Unsubscribe</button></form>";

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
    if (sources.unsubscribe) route_unsubscribe();
    server.set_exception_handler(
        [log](const httplib::Request& request, httplib::Response& response, std::exception_ptr) {
          log(LogLevel::error, "an exception while answering " + request.path);
          answer_json(response, 500, {{"error", "internal"}});
        });
  }

  void route_unsubscribe() {
    server.Get("/notify/unsubscribe", [](const httplib::Request&, httplib::Response& response) {
      answer_page(response, 200, kAsk);
    });
    server.Post("/notify/unsubscribe", [this](const httplib::Request& request, httplib::Response& response) {
      const auto done = sources.unsubscribe(request.get_param_value("t"));
      if (!done) return answer_page(response, 503, "<p>That can't be done now. Please try again later.</p>");
      if (!*done) return answer_page(response, 404, "<p>This link is none of ours.</p>");
      answer_page(response, 200, "<p>You will get no more of these mails.</p>");
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
