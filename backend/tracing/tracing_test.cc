#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "backend/tracing/span_exporter.h"
#include "backend/tracing/tracer.h"

namespace parley::backend {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

wire::MessageTrace traced(std::uint64_t seq) {
  return {.trace_id = std::string(32, 'a'),
          .parent_id = std::string(16, 'b'),
          .span_id = std::string(16, 'c'),
          .room_id = 7,
          .room = "lab",
          .seq = seq,
          .id = "01JD0000000000000000000000",
          .begin_us = 1'000,
          .end_us = 1'250};
}
wire::Record record(std::uint64_t seq) {
  return {.room_id = 7, .seq = seq, .room = "lab"};
}

class TracerTest : public testing::Test {
 protected:
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& span : spans_) names.push_back(span.name);
    return names;
  }

  std::vector<Span> spans_;
  std::vector<std::string> logged_;
  Tracer tracer_{[this](Span span) { spans_.push_back(std::move(span)); },
                 [this](LogLevel, std::string_view line) { logged_.emplace_back(line); }};
};

TEST_F(TracerTest, a_messages_way_becomes_spans_of_its_trace) {
  tracer_.message(wire::format_message_trace(traced(17)));
  tracer_.storing();
  tracer_.stored(std::vector{record(16), record(17)});
  tracer_.notified(7, 17, "fcm", std::chrono::milliseconds(40), "");
  tracer_.notified(7, 17, "email", std::chrono::milliseconds(5), "no such mailbox");
  ASSERT_THAT(names(), ElementsAre("publish lab", "store", "notify fcm", "notify email"));
  EXPECT_EQ(spans_[0].parent_id, std::string(16, 'b'));
  EXPECT_EQ(spans_[0].span_id, std::string(16, 'c'));
  for (std::size_t i = 1; i < spans_.size(); ++i) {
    EXPECT_EQ(spans_[i].trace_id, std::string(32, 'a'));
    EXPECT_EQ(spans_[i].parent_id, std::string(16, 'c'));
    EXPECT_NE(spans_[i].span_id, spans_[0].span_id);
    EXPECT_LE(spans_[i].begin_us, spans_[i].end_us);
  }
  EXPECT_EQ(spans_[2].error, "");
  EXPECT_EQ(spans_[3].error, "no such mailbox");
}

TEST_F(TracerTest, what_is_not_traced_costs_no_span) {
  tracer_.storing();
  tracer_.stored(std::vector{record(16)});
  tracer_.message(wire::format_message_trace(traced(17)));
  tracer_.stored(std::vector{record(18)});
  tracer_.notified(8, 17, "fcm", {}, "");
  EXPECT_THAT(names(), ElementsAre("publish lab"));
}

TEST_F(TracerTest, remembers_a_bounded_number) {
  for (std::uint64_t seq = 1; seq <= Tracer::kKept + 1; ++seq)
    tracer_.message(wire::format_message_trace(traced(seq)));
  spans_.clear();
  tracer_.stored(std::vector{record(1), record(2), record(Tracer::kKept + 1)});
  EXPECT_THAT(names(), ElementsAre("store", "store"));
}

TEST_F(TracerTest, nonsense_is_logged_and_without_a_sink_nothing_happens) {
  tracer_.message("{}");
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("not as it should be")));
  Tracer off(nullptr, nullptr);
  off.message("{}");
  off.storing();
  off.stored(std::vector{record(1)});
  EXPECT_THAT(spans_, IsEmpty());
}

TEST(Otlp, spans_are_written_as_the_standard_has_it) {
  const Span span{.trace_id = std::string(32, 'a'),
                  .span_id = std::string(16, 'b'),
                  .parent_id = std::string(16, 'c'),
                  .name = "store",
                  .kind = Span::Kind::consumer,
                  .begin_us = 1'795'314'673'123'456,
                  .end_us = 1'795'314'673'123'999,
                  .attributes = {{"text", "x"}, {"number", std::int64_t{5}}, {"flag", true}},
                  .error = "disk \xff full"};
  const auto body = json::parse(format_otlp({span}, "0.1.0"));
  const auto& resource = body["resourceSpans"][0];
  EXPECT_EQ(resource["resource"]["attributes"][0],
            (json{{"key", "service.name"}, {"value", {{"stringValue", "parley"}}}}));
  const auto& written = resource["scopeSpans"][0]["spans"][0];
  EXPECT_EQ(written["traceId"], std::string(32, 'a'));
  EXPECT_EQ(written["parentSpanId"], std::string(16, 'c'));
  EXPECT_EQ(written["kind"], 5);
  EXPECT_EQ(written["startTimeUnixNano"], "1795314673123456000");
  EXPECT_EQ(written["attributes"][1]["value"]["intValue"], "5");
  EXPECT_EQ(written["attributes"][2]["value"]["boolValue"], true);
  EXPECT_EQ(written["status"]["code"], 2);
}

TEST(SpanExporter, takes_urls_alone) {
  Metrics metrics;
  SystemClock clock;
  EXPECT_FALSE(SpanExporter::start({.url = "collector:4318"}, metrics, clock, nullptr));
}

TEST(SpanExporter, what_nobody_takes_is_dropped_and_counted_and_said_once) {
  Metrics metrics;
  SystemClock clock;
  std::vector<std::string> logged;
  auto exporter = SpanExporter::start({.url = "http://127.0.0.1:1",
                                       .waiting_max = 2,
                                       .every = std::chrono::milliseconds(1),
                                       .timeout = std::chrono::milliseconds(2'000)},
                                      metrics, clock,
                                      [&](LogLevel, std::string_view line) { logged.emplace_back(line); });
  ASSERT_TRUE(exporter);
  for (int i = 0; i < 2'000; ++i) (*exporter)->add({.trace_id = "a", .span_id = "b", .name = "x"});
  (*exporter)->stop(std::chrono::seconds(20));
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("parley_trace_spans_total{outcome=\"sent\"} 0"));
  const auto count = [&](const std::string& outcome) {
    const auto at = text.find("outcome=\"" + outcome + "\"} ");
    return std::stod(text.substr(text.find(' ', at) + 1));
  };
  EXPECT_GE(count("failed"), 2);
  EXPECT_EQ(count("failed") + count("dropped"), 2'000);
  EXPECT_THAT(logged, ElementsAre(HasSubstr("the collector of traces takes none")));
}

}  // namespace
}  // namespace parley::backend
