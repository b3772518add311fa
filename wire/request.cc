#include "wire/request.h"

#include <array>
#include <cstdint>

#include "base/encoding.h"
#include "base/text_cut.h"
#include "wire/json_scan.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

// {rooms: {lab: {messages: [envelope around content]}}} and some to spare: copying a DOM recurses.
constexpr std::size_t kReplyDepthMax = kContentDepthMax + 16;

std::unexpected<Failure> failure(Code code, std::string message) {
  return std::unexpected(Failure{code, std::move(message)});
}

// Appends `,"name":"value"` (without the comma after a `{`). What is not UTF-8 is repaired: a notice must go
// out.
void append_string(std::string& out, std::string_view name, std::string_view value) {
  if (!out.ends_with('{')) out += ',';
  out.append("\"").append(name).append("\":\"");
  append_json_escaped(out, valid_utf8(value) ? std::string(value) : repair_utf8(value));
  out += '"';
}

void append_if_given(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) append_string(out, name, value);
}

std::string begin_reply(std::string_view id, bool ok) {
  std::string out = "{";
  append_if_given(out, "id", id);
  if (!out.ends_with('{')) out += ',';
  out.append("\"ok\":").append(ok ? "true" : "false");
  return out;
}

// A member that must be a string when it is there; false when it is something else.
bool read_string(const Json& object, const char* name, std::string& out) {
  const auto it = object.find(name);
  if (it == object.end()) return true;
  if (!it->is_string()) return false;
  out = it->get_ref<const std::string&>();
  return true;
}

// Of members of the same name the last one counts, and the plugin's is the last.
void take_origin(Request& request) {
  const auto from = request.params.find(kOriginMember);
  if (from == request.params.end()) return;
  if (from->is_object()) {
    read_string(*from, "device", request.device);
    read_string(*from, "address", request.address);
  }
  request.params.erase(from);
}

}  // namespace

std::string with_origin(std::string_view payload, std::string_view device, std::string_view address) {
  std::string out(payload.empty() ? std::string_view("{}") : trimmed(payload));
  if (out.size() < 2 || !out.starts_with('{') || !out.ends_with('}')) return {};
  out.pop_back();
  if (!trimmed(out).ends_with('{')) out += ',';
  out.append("\"").append(kOriginMember).append("\":{");
  append_string(out, "device", device);
  append_string(out, "address", address);
  return out += "}}";
}

std::expected<Request, Failure> parse_request(std::string_view user, std::string_view method,
                                              std::string_view payload) {
  Request request{
      .id = {}, .method = std::string(method), .user = std::string(user), .params = Json::object()};
  if (payload.empty()) return request;
  if (payload.size() > kRequestMax + kOriginMax) {
    return failure(Code::too_large, "The request has " + std::to_string(payload.size()) + " bytes; at most " +
                                        std::to_string(kRequestMax) + " are taken.");
  }
  std::array<Member, 1> id{Member{.name = "id"}};
  if (auto scanned = scan_object(payload, "The request", id); !scanned) {
    return failure(scanned.error().code == Code::too_deep ? Code::too_deep : Code::malformed,
                   scanned.error().reason);
  }
  if (!id[0].is(Member::Kind::absent)) {
    if (!id[0].is(Member::Kind::string) || id[0].text.empty() || id[0].text.size() > kRequestIdMax) {
      return failure(Code::invalid_argument,
                     "`id` is a string of 1 to " + std::to_string(kRequestIdMax) + " bytes.");
    }
    request.id = std::move(id[0].text);
  }
  request.params = Json::parse(payload.begin(), payload.end(), nullptr, /*allow_exceptions=*/false);
  request.params.erase("id");
  take_origin(request);
  return request;
}

std::string format_reply(std::string_view id, const Json& result) {
  return format_raw_reply(id, result.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string format_raw_reply(std::string_view id, std::string_view result_json) {
  std::string out = begin_reply(id, true);
  out.append(",\"result\":").append(result_json) += '}';
  return out;
}

std::string format_failure(std::string_view id, const Failure& failure) {
  std::string out = begin_reply(id, false) + ",\"error\":{";
  append_string(out, "code", code_name(failure.code));
  append_string(out, "message", failure.message);
  return out + "}}";
}

std::optional<Reply> parse_reply(std::string_view payload) {
  if (!scan_object(payload, "The reply", {}, kReplyDepthMax)) return std::nullopt;
  Json json = Json::parse(payload.begin(), payload.end(), nullptr, /*allow_exceptions=*/false);
  Reply reply;
  if (!read_string(json, "id", reply.id)) return std::nullopt;
  const auto ok = json.find("ok");
  if (ok == json.end() || !ok->is_boolean()) return std::nullopt;
  reply.ok = ok->get<bool>();
  if (reply.ok) {
    const auto result = json.find("result");
    if (result == json.end()) return std::nullopt;
    reply.result = std::move(*result);
    return reply;
  }
  const auto error = json.find("error");
  if (error == json.end() || !error->is_object()) return std::nullopt;
  if (!read_string(*error, "code", reply.code) || !read_string(*error, "message", reply.message))
    return std::nullopt;
  if (reply.code.empty()) return std::nullopt;
  return reply;
}

std::string format_refused(const Failure& failure, std::string_view room, std::string_view ref,
                           std::string_view method, std::string_view id, std::uint64_t wait_s) {
  std::string out = R"({"type":"refused")";
  append_string(out, "code", code_name(failure.code));
  append_string(out, "reason", failure.message);
  append_if_given(out, "room", room);
  append_if_given(out, "ref", ref);
  append_if_given(out, "method", method);
  append_if_given(out, "id", id);
  if (wait_s != 0) out.append(",\"wait_s\":").append(std::to_string(wait_s));
  return out + "}";
}

std::string format_moving(std::string_view server, std::int64_t in_s) {
  std::string out = R"({"type":"moving")";
  out.append(",\"in_s\":").append(std::to_string(in_s));
  append_if_given(out, "server", server);
  return out + "}";
}

std::string format_login_notice(std::string_view type, std::string_view device, std::int64_t at_ms) {
  std::string out = "{\"type\":\"" + std::string(type) + '"';
  append_string(out, "device", device);
  if (at_ms != 0) out.append(",\"at\":").append(std::to_string(at_ms));
  return out += '}';
}

std::string format_duplicate(std::string_view room, std::string_view ref, std::uint64_t seq) {
  std::string out = R"({"type":"duplicate")";
  append_string(out, "room", room);
  append_string(out, "ref", ref);
  out.append(",\"seq\":").append(std::to_string(seq)) += '}';
  return out;
}

}  // namespace parley::wire
