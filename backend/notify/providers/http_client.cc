#include "backend/notify/providers/http_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "backend/notify/providers/public_address.h"
#include "base/text_cut.h"

namespace parley::backend {
namespace {

using std::chrono::milliseconds;

class HttpTransfer final : public Transfer {
 public:
  HttpTransfer(HttpRequest request, const HttpClientOptions& options, const Clock& clock,
               HttpClient::Done done)
      : request_(std::move(request)), options_(options), clock_(clock), done_(std::move(done)) {
    set_request();
    set_connection();
  }
  ~HttpTransfer() override { curl_slist_free_all(headers_); }

  void finished(CURLcode code) override {
    judge(code);
    done_(std::move(answer_));
  }

 private:
  void set_request() {
    for (const auto& header : request_.headers) add_header(header);
    add_header("Expect:");  // no waiting for a "100 Continue"
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
    set(CURLOPT_HTTPHEADER, headers_);
    set(CURLOPT_WRITEFUNCTION, &HttpTransfer::take_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, &HttpTransfer::take_header);
    set(CURLOPT_HEADERDATA, this);
  }

  void set_connection() {
    set_common(options_.transfer, request_.timeout.value_or(options_.transfer.timeout));
    set_protocols(options_.plain ? "http,https" : "https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
    set(CURLOPT_PIPEWAIT, options_.http2_only ? 1L : 0L);
    set(CURLOPT_OPENSOCKETFUNCTION, &HttpTransfer::open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
  }

  void add_header(const std::string& header) {
    if (curl_slist* longer = curl_slist_append(headers_, header.c_str())) headers_ = longer;
  }

  void judge(CURLcode code) {
    long status = 0, version = 0;
    curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy(), CURLINFO_HTTP_VERSION, &version);
    const bool cut = code == CURLE_WRITE_ERROR && answer_.body.size() >= kAnswerBodyMax;
    if (code != CURLE_OK && !cut) return fail_with(failure_of(code), curl_easy_strerror(code));
    if (options_.http2_only && version != CURL_HTTP_VERSION_2_0)
      return fail_with(HttpAnswer::Failure::protocol, "The server does not speak HTTP/2");
    answer_.status = static_cast<int>(status);
  }

  void fail_with(HttpAnswer::Failure failure, std::string error) {
    answer_.failure = failure;
    answer_.error = failure == HttpAnswer::Failure::address ? "The address is not one of the Internet"
                    : failure == HttpAnswer::Failure::busy  ? "Too much is under way, or parleyd stops"
                                                            : std::move(error);
    answer_.body.clear();
  }

  HttpAnswer::Failure failure_of(CURLcode code) const {
    if (blocked_ && code == CURLE_COULDNT_CONNECT) return HttpAnswer::Failure::address;
    if (is_tls_failure(code)) return HttpAnswer::Failure::tls;
    if (code == CURLE_AGAIN || code == CURLE_ABORTED_BY_CALLBACK) return HttpAnswer::Failure::busy;
    if (code == CURLE_FAILED_INIT || code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
      return HttpAnswer::Failure::internal;
    return HttpAnswer::Failure::lost;
  }

  static std::size_t take_body(char* data, std::size_t, std::size_t size, void* self) {
    auto& body = static_cast<HttpTransfer*>(self)->answer_.body;
    const auto taken = std::min(size, kAnswerBodyMax - body.size());
    body.append(data, taken);
    return taken;  // less than there is: libcurl ends with CURLE_WRITE_ERROR
  }

  static std::size_t take_header(char* data, std::size_t, std::size_t size, void* self) {
    constexpr std::string_view kName = "retry-after:";
    auto* transfer = static_cast<HttpTransfer*>(self);
    const std::string_view line(data, size);
    if (line.size() > kName.size() && ::strncasecmp(data, kName.data(), kName.size()) == 0)
      transfer->answer_.retry_after =
          parse_retry_after(std::string(trimmed(line.substr(kName.size()))), transfer->clock_.wall());
    return size;
  }

  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* to) {
    auto* transfer = static_cast<HttpTransfer*>(self);
    if (transfer->options_.public_only && !is_public_address(to->addr)) {
      transfer->blocked_ = true;
      return CURL_SOCKET_BAD;
    }
    const int socket = ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    // Several requests share a connection: one whose other end went silent must not be kept for the next ones.
    const auto silence_ms = static_cast<unsigned>(transfer->options_.transfer.timeout.count());
    if (socket >= 0)
      (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
    return socket;
  }

  HttpRequest request_;
  const HttpClientOptions& options_;
  const Clock& clock_;
  HttpClient::Done done_;
  curl_slist* headers_ = nullptr;
  bool blocked_ = false;
  HttpAnswer answer_;
};

}  // namespace

std::optional<milliseconds> parse_retry_after(const std::string& value, WallTime now) {
  constexpr milliseconds kMax = kRetryAfterMax;
  if (!value.empty() && value.find_first_not_of("0123456789") == std::string::npos) {
    std::uint64_t seconds = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (read.ec != std::errc{} || seconds > static_cast<std::uint64_t>(kMax.count()) / 1'000) return kMax;
    return std::chrono::seconds(seconds);
  }
  const time_t date = value.size() > 64 ? -1 : curl_getdate(value.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  const auto wait = std::chrono::seconds(std::min<time_t>(date, 1LL << 40)) -
                    std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return std::clamp<milliseconds>(wait, milliseconds(0), kMax);
}

Result<std::unique_ptr<HttpClient>> HttpClient::start(const HttpClientOptions& options, const Clock& clock) {
  auto loop = CurlLoop::start(options.in_flight_max);
  if (!loop) return std::unexpected(loop.error());
  return std::unique_ptr<HttpClient>(new HttpClient(options, clock, *std::move(loop)));
}

HttpClient::~HttpClient() = default;

void HttpClient::post(HttpRequest request, Done done) {
  loop_->add(std::make_unique<HttpTransfer>(std::move(request), options_, clock_, std::move(done)));
}

}  // namespace parley::backend
