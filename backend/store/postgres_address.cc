#include "backend/store/postgres_address.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"

namespace parley::backend {
namespace {

constexpr std::string_view kSchemes[] = {"postgresql://", "postgres://"};
constexpr std::string_view kExpected =
    " Expected: postgresql://user@host:port/database, or several host:port with commas between them.";

// Those that name a file, a way of talking, or a limit; none that is a secret.
constexpr std::string_view kOptions[] = {"application_name",
                                         "channel_binding",
                                         "connect_timeout",
                                         "gssencmode",
                                         "keepalives",
                                         "keepalives_count",
                                         "keepalives_idle",
                                         "keepalives_interval",
                                         "krbsrvname",
                                         "options",
                                         "passfile",
                                         "requirepeer",
                                         "sslcert",
                                         "sslcrl",
                                         "sslcrldir",
                                         "sslkey",
                                         "sslmode",
                                         "sslrootcert",
                                         "sslsni",
                                         "ssl_max_protocol_version",
                                         "ssl_min_protocol_version",
                                         "target_session_attrs",
                                         "tcp_user_timeout"};

std::unexpected<Error> wrong(const std::string& what) {
  return fail(Errc::invalid_argument, what + std::string(kExpected));
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    auto byte = hex_decode(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1 || *byte == std::string(1, '\0'))
      return wrong("A % in the URL is not followed by two hexadecimal digits.");
    out += *byte;
    i += 2;
  }
  return out;
}

// Up to `mark`, or all; what is after it is left in `rest`.
std::string_view cut(std::string_view& rest, char mark) {
  auto at = rest.find(mark);
  auto head = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return head;
}

bool is_port(std::string_view text) {
  int port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65'535;
}

Result<> read_host(std::string_view text, PostgresAddress& address) {
  std::string_view host = text, port;
  auto colon = text.rfind(':');
  if (text.starts_with('[')) {  // an IPv6 address
    auto close = text.find(']');
    if (close == std::string_view::npos) return wrong("A [ in the URL is not closed.");
    host = text.substr(1, close - 1);
    colon = close + 1 < text.size() ? close + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && text[colon] != ':') return wrong("A port is not legal.");
  } else if (colon != std::string_view::npos) {
    host = text.substr(0, colon);
  }
  if (colon != std::string_view::npos) port = text.substr(colon + 1);
  if (colon != std::string_view::npos && !is_port(port)) return wrong("A port in the URL is not 1 to 65535.");
  auto decoded = percent_decode(host);
  if (!decoded) return std::unexpected(decoded.error());
  address.hosts += *decoded;
  address.ports += port.empty() ? "5432" : port;
  return {};
}

Result<> read_hosts(std::string_view list, PostgresAddress& address) {
  bool first = true;
  while (!list.empty() || first) {
    if (!first) address.hosts += ',', address.ports += ',';
    first = false;
    auto one = cut(list, ',');
    if (one.empty() && list.empty()) return {};
    if (auto read = read_host(one, address); !read) return read;
  }
  return {};
}

Result<> read_user(std::string_view text, PostgresAddress& address) {
  auto name = percent_decode(cut(text, ':'));
  auto password = percent_decode(text);
  if (!name || !password) return std::unexpected(name ? password.error() : name.error());
  address.user = *name;
  address.password = *password;
  return {};
}

Result<> read_options(std::string_view text, PostgresAddress& address) {
  while (!text.empty()) {
    auto value = cut(text, '&');
    auto name = cut(value, '=');
    if (name == "password")
      return wrong("The password is no option: it is given in PARLEY_STORE_PASSWORD or a file.");
    if (std::ranges::find(kOptions, name) == std::end(kOptions)) {
      std::string known;
      for (auto option : kOptions) known += (known.empty() ? "" : ", ") + std::string(option);
      return fail(Errc::invalid_argument,
                  "An option after ? in the URL is not known. Known are " + known + ".");
    }
    auto decoded = percent_decode(value);
    if (!decoded) return std::unexpected(decoded.error());
    address.options.emplace_back(name, *decoded);
  }
  return {};
}

void append_keyword(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!out.empty()) out += ' ';
  out.append(name).append("='");
  for (char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  out += '\'';
}

}  // namespace

bool is_postgres_url(std::string_view url) {
  return std::ranges::any_of(kSchemes, [&](auto scheme) { return url.starts_with(scheme); });
}

Result<PostgresAddress> parse_postgres_url(std::string_view url) {
  auto scheme = std::ranges::find_if(kSchemes, [&](auto known) { return url.starts_with(known); });
  if (scheme == std::end(kSchemes)) return wrong("This is no PostgreSQL URL.");
  PostgresAddress address;
  auto rest = url.substr(scheme->size());
  auto options = rest;
  rest = cut(options, '?');
  auto path = rest;
  auto authority = cut(path, '/');
  if (auto at = authority.rfind('@'); at != std::string_view::npos) {
    if (auto read = read_user(authority.substr(0, at), address); !read) return std::unexpected(read.error());
    authority.remove_prefix(at + 1);
  }
  if (auto read = read_hosts(authority, address); !read) return std::unexpected(read.error());
  auto database = percent_decode(path);
  if (!database) return std::unexpected(database.error());
  if (database->empty()) return wrong("The URL names no database.");
  address.database = *database;
  if (auto read = read_options(options, address); !read) return std::unexpected(read.error());
  return address;
}

std::string PostgresAddress::conninfo() const {
  std::string out;
  append_keyword(out, "host", hosts);
  append_keyword(out, "port", ports);
  append_keyword(out, "user", user);
  append_keyword(out, "password", password);
  append_keyword(out, "dbname", database);
  for (const auto& [name, value] : options) append_keyword(out, name, value);
  return out;
}

std::string PostgresAddress::shown() const {
  std::string out = "postgresql://";
  if (!user.empty()) out += user + "@";
  std::string_view left_hosts = hosts, left_ports = ports;
  while (!left_hosts.empty()) {
    auto host = cut(left_hosts, ',');
    auto port = cut(left_ports, ',');
    out.append(host).append(":").append(port);
    if (!left_hosts.empty()) out += ',';
  }
  return out + "/" + database;
}

}  // namespace parley::backend
