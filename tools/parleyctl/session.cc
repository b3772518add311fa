#include "tools/parleyctl/session.h"

#include <mqtt/async_client.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "backend/mqtt/paho_tls.h"
#include "base/ids.h"
#include "wire/topics.h"

namespace parley::ctl {
namespace {

using Deadline = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr std::size_t kInboxMax = 20'000;  // messages
constexpr std::size_t kCallsAtOnce = 32;   // requests under way
constexpr milliseconds kNoticeWait{1000};  // from a refused publish to its notice
constexpr milliseconds kGoodbye{500};      // for a clean DISCONNECT
constexpr milliseconds kLook{2000};        // at why there is no connection

// What Paho's thread hands over. Thread-safe.
class Arrivals {
 public:
  struct Item {
    Incoming message;
    std::string correlation;
  };

  void push(Item item) {
    std::lock_guard lock(mutex_);
    if (items_.size() < kInboxMax) items_.push_back(std::move(item));
    changed_.notify_one();
  }
  void set_lost() {
    std::lock_guard lock(mutex_);
    lost_ = true;
    changed_.notify_one();
  }
  bool lost() const {
    std::lock_guard lock(mutex_);
    return lost_;
  }
  // nullopt when none came until `deadline`, or the connection is lost and nothing is left.
  std::optional<Item> pop(Deadline deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return !items_.empty() || lost_; });
    if (items_.empty()) return std::nullopt;
    auto item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  bool lost_ = false;
};

std::string correlation_of(const mqtt::message& message) {
  const auto& properties = message.get_properties();
  if (!properties.contains(mqtt::property::CORRELATION_DATA)) return {};
  return mqtt::get<std::string>(properties, mqtt::property::CORRELATION_DATA);
}

bool is_refusal(const mqtt::exception& e) {
  return e.get_reason_code() >= mqtt::ReasonCode::UNSPECIFIED_ERROR;
}

std::unexpected<Failure> connect_failure(const Config& config, const mqtt::exception& e) {
  const auto at = config.broker.name();
  // Paho C 1.3.12 gives CONNACK's reason code as the return code.
  const auto reason =
      is_refusal(e) ? e.get_reason_code() : static_cast<mqtt::ReasonCode>(e.get_return_code());
  switch (reason) {
    case mqtt::ReasonCode::BAD_USER_NAME_OR_PASSWORD:
    case mqtt::ReasonCode::NOT_AUTHORIZED:
    case mqtt::ReasonCode::BANNED:
      return refused("not_allowed",
                     "The broker at " + at + " did not accept the login of '" + config.user + "'.");
    case mqtt::ReasonCode::SERVER_BUSY:
    case mqtt::ReasonCode::SERVER_UNAVAILABLE:
      return refused("unavailable", "The broker at " + at + " takes no login just now; try again later.");
    default:
      const auto why = why_unreachable(config.broker, kLook);
      return unreachable("The broker at " + at +
                         " can't be reached: " + (why.empty() ? e.get_message() + "." : why));
  }
}

// What was refused: the notice has its mark (`ref` of a message, `id` of a request), or, when the broker refused it unread, only its room
// or method.
struct Refused {
  std::string key;
  std::string room, method;
};

bool tells_of(const Json& notice, const Refused& what) {
  if (notice.contains("ref")) return notice["ref"] == what.key;
  if (notice.contains("id")) return notice["id"] == what.key;
  return (!what.room.empty() && notice.value("room", Json()) == what.room) ||
         (!what.method.empty() && notice.value("method", Json()) == what.method);
}

std::optional<Failure> notice_of(const Incoming& message, const std::string& inbox, const Refused& what) {
  if (message.topic != inbox) return std::nullopt;
  const auto notice = Json::parse(message.payload, nullptr, false);
  if (!notice.is_object() || notice.value("type", Json()) != "refused" || !tells_of(notice, what))
    return std::nullopt;
  return Failure{Exit::refused, notice.value("code", std::string("internal")),
                 notice.value("reason", std::string())};
}

}  // namespace

class Session::Impl {
 public:
  explicit Impl(const Config& config)
      : config_(config),
        client_id_("parleyctl-" + random_id(12)),
        inbox_(wire::user_topic(wire::TopicKind::user_inbox, config.user)),
        replies_(wire::user_topic(wire::TopicKind::user_reply, config.user, client_id_)),
        client_(config.broker.url(), client_id_, mqtt::create_options(MQTTVERSION_5)) {
    client_.set_message_callback([this](const mqtt::const_message_ptr& m) {
      if (m) arrivals_.push({{m->get_topic(), m->to_string()}, correlation_of(*m)});
    });
    client_.set_connection_lost_handler([this](const std::string&) { arrivals_.set_lost(); });
    client_.set_disconnected_handler(
        [this](const mqtt::properties&, mqtt::ReasonCode) { arrivals_.set_lost(); });
  }

  Outcome<> connect() {
    mqtt::connect_options options;
    options.set_mqtt_version(MQTTVERSION_5);
    options.set_clean_start(true);
    options.set_keep_alive_interval(30);
    options.set_connect_timeout(std::chrono::ceil<std::chrono::seconds>(config_.timeout));
    options.set_user_name(config_.user);
    if (!config_.secret.empty()) options.set_password(config_.secret);
    if (config_.broker.tls) options.set_ssl(paho_tls(config_.broker));
    try {
      auto token = client_.connect(options);
      if (!token->wait_for(config_.timeout)) {
        const auto why = why_unreachable(config_.broker, kLook);
        return unreachable("The broker at " + config_.broker.name() + " did not answer in time." +
                           (why.empty() ? "" : " " + why));
      }
    } catch (const mqtt::exception& e) {
      return connect_failure(config_, e);
    }
    for (const auto& topic : {inbox_, replies_}) {
      if (auto ok = subscribe(topic); !ok) return ok;
    }
    return {};
  }

  void disconnect() {
    try {
      if (client_.is_connected()) client_.disconnect()->wait_for(kGoodbye);
    } catch (const mqtt::exception&) {
      // It was leaving anyway.
    }
  }

  Outcome<> subscribe(const std::string& filter) {
    try {
      auto token = client_.subscribe(filter, 1);
      if (!token->wait_for(config_.timeout)) return lost();
    } catch (const mqtt::exception& e) {
      if (is_refusal(e)) return refused("not_allowed", "You may not read " + filter + ".");
      return lost();
    }
    return {};
  }

  Outcome<> publish(const mqtt::message_ptr& message, const std::string& key) {
    const auto room = wire::parse_topic(message->get_topic()).room;
    return acknowledged(begin(message), {.key = key, .room = std::string(room), .method = {}});
  }

  std::vector<Outcome<Json>> call_all(const std::string& method, std::vector<Json> params) {
    std::vector<Outcome<Json>> results;
    for (std::size_t at = 0; at < params.size(); at += kCallsAtOnce) {
      std::map<std::string, std::optional<Outcome<Json>>> answers;  // by id
      const auto end = std::min(at + kCallsAtOnce, params.size());
      std::vector<std::pair<std::string, mqtt::token_ptr>> sent;
      for (auto i = at; i < end; ++i) sent.push_back(send_request(method, std::move(params[i])));
      for (const auto& [id, token] : sent) {
        auto taken = acknowledged(token, {.key = id, .room = {}, .method = method});
        answers[id] = taken ? std::nullopt : std::optional<Outcome<Json>>(std::unexpected(taken.error()));
      }
      await_replies(method, answers);
      early_.clear();
      for (const auto& [id, token] : sent) {
        auto& answer = answers[id];
        results.push_back(answer ? std::move(*answer) : no_answer(method));
      }
    }
    return results;
  }

  std::optional<Incoming> receive(milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    if (!aside_.empty()) {
      auto message = std::move(aside_.front());
      aside_.pop_front();
      return message;
    }
    while (auto item = arrivals_.pop(deadline)) {
      if (item->message.topic != replies_)
        return std::move(item->message);  // else: an answer that came too late
    }
    return std::nullopt;
  }

  bool connected() const { return !arrivals_.lost(); }
  const Config& config() const { return config_; }

 private:
  // Null when it could not even be begun.
  mqtt::token_ptr begin(const mqtt::message_ptr& message) {
    try {
      return client_.publish(message);
    } catch (const mqtt::exception&) {
      return nullptr;
    }
  }

  Outcome<> acknowledged(const mqtt::token_ptr& token, const Refused& what) {
    try {
      if (!token || !token->wait_for(config_.timeout)) return lost();
    } catch (const mqtt::exception& e) {
      if (is_refusal(e)) return std::unexpected(why_refused(what));
      return lost();
    }
    return {};
  }

  std::pair<std::string, mqtt::token_ptr> send_request(const std::string& method, Json params) {
    auto id = std::to_string(++calls_);
    params["id"] = id;
    auto topic = wire::user_topic(wire::TopicKind::user_request, config_.user, method);
    auto payload = params.dump(-1, ' ', false, Json::error_handler_t::replace);
    auto message = mqtt::make_message(topic, payload, 1, false);
    mqtt::properties properties;
    properties.add({mqtt::property::RESPONSE_TOPIC, replies_});
    properties.add({mqtt::property::CORRELATION_DATA, id});
    message->set_properties(properties);
    return {std::move(id), begin(message)};
  }

  // Fills in what is still without an answer, until all have one or the time is up.
  void await_replies(const std::string& method,
                     std::map<std::string, std::optional<Outcome<Json>>>& answers) {
    auto open = std::ranges::count_if(answers, [](const auto& a) { return !a.second.has_value(); });
    auto deadline = std::chrono::steady_clock::now() + config_.timeout;
    while (open > 0) {
      auto item = next_reply(deadline);
      if (!item) return;
      auto answer = item->message.topic == replies_ ? answers.find(item->correlation) : answers.end();
      if (answer == answers.end() || answer->second) {
        set_aside(std::move(item->message));
        continue;
      }
      answer->second = result_of(method, item->message.payload);
      deadline = std::chrono::steady_clock::now() + config_.timeout;
      --open;
    }
  }

  // Replies that came while something else was waited for are first.
  std::optional<Arrivals::Item> next_reply(Deadline deadline) {
    if (early_.empty()) return arrivals_.pop(deadline);
    auto item = std::move(early_.front());
    early_.pop_front();
    return item;
  }

  static Outcome<Json> result_of(const std::string& method, const std::string& payload) {
    auto reply = wire::parse_reply(payload);
    if (!reply) return refused("internal", "The server's answer to " + method + " is not one.");
    if (!reply->ok) return refused(reply->code, reply->message);
    return std::move(reply->result);
  }

  Outcome<Json> no_answer(const std::string& method) const {
    if (!connected()) return lost();
    return refused("timeout", "No answer to " + method + " came in time; it may have been done.");
  }

  Failure why_refused(const Refused& what) {
    const auto deadline = std::chrono::steady_clock::now() + kNoticeWait;
    while (auto item = arrivals_.pop(deadline)) {
      if (auto failure = notice_of(item->message, inbox_, what)) return *failure;
      if (item->message.topic == replies_) {
        early_.push_back(std::move(*item));
      } else {
        set_aside(std::move(item->message));
      }
    }
    return {Exit::refused, "not_allowed", "The broker refused it without telling why."};
  }

  void set_aside(Incoming message) {
    if (message.topic != replies_ && aside_.size() < kInboxMax) aside_.push_back(std::move(message));
  }

  std::unexpected<Failure> lost() const {
    return unreachable("The connection to the broker at " + config_.broker.name() + " was lost.");
  }

  const Config config_;
  const std::string client_id_, inbox_, replies_;
  Arrivals arrivals_;  // before client_: its callbacks use it until they end
  std::deque<Incoming> aside_;
  std::deque<Arrivals::Item> early_;  // as many as calls are under way at most
  std::uint64_t calls_ = 0;
  mqtt::async_client client_;
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() {
  impl_->disconnect();
}

Outcome<std::unique_ptr<Session>> Session::connect(const Config& config) {
  try {
    auto impl = std::make_unique<Impl>(config);
    if (auto ok = impl->connect(); !ok) return std::unexpected(ok.error());
    return std::unique_ptr<Session>(new Session(std::move(impl)));
  } catch (const mqtt::exception& e) {
    return unreachable(e.get_message());
  }
}

Outcome<Json> Session::call(const std::string& method, Json params) {
  return std::move(impl_->call_all(method, {std::move(params)}).front());
}
std::vector<Outcome<Json>> Session::call_all(const std::string& method, std::vector<Json> params) {
  return impl_->call_all(method, std::move(params));
}
Outcome<> Session::subscribe(const std::string& filter) {
  return impl_->subscribe(filter);
}
Outcome<> Session::publish(const std::string& topic, const std::string& payload, const std::string& key) {
  return impl_->publish(mqtt::make_message(topic, payload, 1, false), key);
}
std::optional<Incoming> Session::receive(std::chrono::milliseconds timeout) {
  return impl_->receive(timeout);
}
bool Session::connected() const {
  return impl_->connected();
}
const Config& Session::config() const {
  return impl_->config();
}

}  // namespace parley::ctl
