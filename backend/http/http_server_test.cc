#include "backend/http/http_server.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>

namespace parley::backend {
namespace {

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = HttpServer::start({},
                                     {[this] { return readiness; }, [this] { return metrics(); },
                                      [this](const std::string& token) { return unsubscribe(token); }},
                                     [](LogLevel, std::string_view) {});
    ASSERT_TRUE(started) << started.error().message;
    server = *std::move(started);
    client = std::make_unique<httplib::Client>("127.0.0.1", server->port());
  }
  std::string metrics() {
    if (broken) throw std::runtime_error("broken");
    return "parley_x 1\n";
  }
  Result<bool> unsubscribe(const std::string& token) {
    if (token == "away") return fail(Errc::unavailable, "The database is away.");
    if (token == "ours") ++unsubscribed;
    return token == "ours";
  }

  std::atomic<int> unsubscribed{0};
  Readiness readiness{false, "No broker is \"there\"."};
  std::atomic<bool> broken{false};
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<httplib::Client> client;
};

TEST_F(HttpServerTest, is_healthy_while_it_answers) {
  const auto answer = client->Get("/healthz");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
}

TEST_F(HttpServerTest, is_ready_or_says_why_not) {
  auto answer = client->Get("/readyz");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, R"({"ready":false,"reason":"No broker is \"there\"."})"
                          "\n");
  readiness = {true, ""};
  answer = client->Get("/readyz");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "{\"ready\":true}\n");
}

TEST_F(HttpServerTest, shows_metrics_in_the_text_format) {
  const auto answer = client->Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "parley_x 1\n");
  EXPECT_EQ(answer->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(HttpServerTest, other_paths_and_methods_are_not_found) {
  EXPECT_EQ(client->Get("/")->status, 404);
  EXPECT_EQ(client->Get("/metrics/x")->status, 404);
  EXPECT_EQ(client->Post("/readyz", "{}", "application/json")->status, 404);
}

TEST_F(HttpServerTest, a_link_of_a_mail_unsubscribes_by_post_alone) {
  const auto page = client->Get("/notify/unsubscribe?t=ours");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_NE(page->body.find("<form method=\"post\">"), std::string::npos);
  EXPECT_EQ(page->body.find("ours"), std::string::npos);
  EXPECT_EQ(unsubscribed, 0);
  const auto one_click = [&](const char* path) {
    return client->Post(path, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")->status;
  };
  EXPECT_EQ(one_click("/notify/unsubscribe?t=ours"), 200);
  EXPECT_EQ(unsubscribed, 1);
  EXPECT_EQ(one_click("/notify/unsubscribe?t=others"), 404);
  EXPECT_EQ(one_click("/notify/unsubscribe"), 404);
  EXPECT_EQ(one_click("/notify/unsubscribe?t=away"), 503);
  EXPECT_EQ(client->Post("/notify/unsubscribe?t=ours", std::string(20'000, 'x'), "text/plain")->status, 413);
  EXPECT_EQ(unsubscribed, 1);
}

TEST_F(HttpServerTest, without_links_in_mails_there_is_no_such_page) {
  const auto other = HttpServer::start({}, {[this] { return readiness; }, [this] { return metrics(); }},
                                       [](LogLevel, std::string_view) {});
  ASSERT_TRUE(other);
  httplib::Client asking("127.0.0.1", (*other)->port());
  EXPECT_EQ(asking.Get("/notify/unsubscribe?t=ours")->status, 404);
  EXPECT_EQ(asking.Post("/notify/unsubscribe?t=ours")->status, 404);
}

TEST_F(HttpServerTest, large_bodies_are_refused) {
  const auto answer = client->Post("/readyz", std::string(20'000, 'x'), "text/plain");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
}

TEST_F(HttpServerTest, an_exception_is_an_internal_error_and_the_server_goes_on) {
  broken = true;
  EXPECT_EQ(client->Get("/metrics")->status, 500);
  EXPECT_EQ(client->Get("/healthz")->status, 200);
}

TEST_F(HttpServerTest, a_port_in_use_is_refused) {
  const auto second = HttpServer::start({.address = "127.0.0.1", .port = server->port()}, {},
                                        [](LogLevel, std::string_view) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace parley::backend
