#include "net/message_reader.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"

namespace ffrtmp::net {
namespace {

namespace http = boost::beast::http;
namespace asio = boost::asio;
using boost::beast::error_code;

// Bytes that may stand unparsed within a body: a chunk's head line or a trailer. More is an attack on our memory.
constexpr std::size_t kChunkHeadLimit = kHeaderLimit;

// "0\r\n\r\n". Offered the head of a last chunk again with fewer bytes than that, Beast asserts, and a peer that sends its
// end byte by byte would end us; nothing is lost by waiting, for every chunked body has these bytes still to come.
constexpr std::size_t kShortestChunkedEnd = 5;

bool may_be_part_of_the_end(std::string_view rest) {
  if (rest.size() >= kShortestChunkedEnd) return false;
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);  // of the chunk before
  return rest.empty() || rest == "\r" || rest.front() == '0';
}

// Puts until the parser has enough. `head_bytes` counts the header: Beast's own limit starts anew with every line
// taken.
template <class Parser>
ReadStep put_some(Parser& parser, std::string_view data, bool head_first, std::size_t& head_bytes) {
  ReadStep step;
  while (step.used < data.size()) {
    const bool had_head = parser.is_header_done();
    if (had_head && parser.chunked() && may_be_part_of_the_end(data.substr(step.used))) return step;
    error_code error;
    const std::size_t used = parser.put(asio::const_buffer(data.data() + step.used, data.size() - step.used), error);
    step.used += used;
    if (!had_head) head_bytes += used;
    const std::size_t waiting = parser.is_header_done() ? 0 : data.size() - step.used;
    if (!had_head && head_bytes + waiting > kHeaderLimit && (!error || error == http::error::need_more)) {
      step.state = ReadState::kHeaderTooLarge;
      return step;
    }
    if (error == http::error::need_more) {
      const bool hoards = had_head && data.size() - step.used > kChunkHeadLimit;
      step.state = hoards ? ReadState::kMalformed : ReadState::kMore;
      return step;
    }
    if (error) {
      step.state = error == http::error::header_limit ? ReadState::kHeaderTooLarge
                   : error == http::error::body_limit ? ReadState::kBodyTooLarge
                                                      : ReadState::kMalformed;
      return step;
    }
    if (head_first && !had_head && parser.is_header_done()) {
      step.state = ReadState::kHead;
      return step;
    }
    if (parser.is_done()) {
      step.state = ReadState::kDone;
      return step;
    }
    if (used == 0) break;
  }
  return step;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// A length, or the chunked coding alone, and who is asked. Source: RFC 9112 sections 3.2 and 6.1.
template <class Parser>
bool is_acceptable(const Parser& parser) {
  const auto& message = parser.get();
  if (message.count(http::field::transfer_encoding) > 0 && !parser.chunked()) return false;
  return message.version() == 10 || message.count(http::field::host) == 1;
}

void put_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  out += "\r\n";
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

struct RequestReader::Impl {
  std::optional<http::request_parser<http::string_body>> parser;
  bool is_head_reported = false;
  std::size_t head_bytes = 0;
};

RequestReader::RequestReader() : impl_(std::make_unique<Impl>()) { reset(); }
RequestReader::~RequestReader() = default;

void RequestReader::reset() {
  impl_->is_head_reported = false;
  impl_->head_bytes = 0;
  impl_->parser.emplace();
  impl_->parser->header_limit(kHeaderLimit);
  impl_->parser->body_limit(boost::none);  // until the header says what it is for
}

ReadStep RequestReader::put(std::string_view data) {
  auto& parser = *impl_->parser;
  if (parser.is_done()) return {ReadState::kDone, 0};
  ReadStep step = put_some(parser, data, !impl_->is_head_reported, impl_->head_bytes);
  if (step.state != ReadState::kHead) return step;
  impl_->is_head_reported = true;
  if (!is_acceptable(parser)) step.state = ReadState::kMalformed;
  return step;
}

std::string_view RequestReader::method() const { return view(impl_->parser->get().method_string()); }

std::string_view RequestReader::path() const {
  const auto target = view(impl_->parser->get().target());
  return target.substr(0, target.find_first_of("?#"));
}

bool RequestReader::keep_alive() const { return impl_->parser->keep_alive(); }
bool RequestReader::is_http_1_0() const { return impl_->parser->get().version() == 10; }

bool RequestReader::expects_continue() const {
  const auto& parser = *impl_->parser;
  if (parser.is_done() || is_http_1_0()) return false;
  return to_lower(view(parser.get()[http::field::expect])) == "100-continue";
}

bool RequestReader::set_body_limit(std::size_t bytes) {
  auto& parser = *impl_->parser;
  if (const auto length = parser.content_length(); length && *length > bytes) return false;
  parser.body_limit(bytes);
  parser.eager(true);
  return true;
}

Request RequestReader::take() {
  auto& message = impl_->parser->get();
  Request request;
  request.method = view(message.method_string());
  request.target = view(message.target());
  request.headers.reserve(16);
  for (const auto& field : message)
    request.headers.emplace_back(to_lower(view(field.name_string())), view(field.value()));
  request.body = std::move(message.body());
  return request;
}

struct ResponseReader::Impl {
  std::optional<http::response_parser<http::string_body>> parser;
  bool is_head = false;
  std::size_t body_limit = 0;
  std::size_t head_bytes = 0;

  void start() {
    head_bytes = 0;
    parser.emplace();
    parser->header_limit(kHeaderLimit);
    parser->body_limit(body_limit);
    parser->eager(true);
    parser->skip(is_head);
  }
};

ResponseReader::ResponseReader(bool is_head, std::size_t body_limit) : impl_(std::make_unique<Impl>()) {
  impl_->is_head = is_head;
  impl_->body_limit = body_limit;
  impl_->start();
}
ResponseReader::~ResponseReader() = default;

ReadStep ResponseReader::put(std::string_view data) {
  ReadStep total;
  for (;;) {
    const ReadStep step = put_some(*impl_->parser, data.substr(total.used), false, impl_->head_bytes);
    total = {step.state, total.used + step.used};
    if (total.state != ReadState::kDone || impl_->parser->get().result_int() >= 200) return total;
    impl_->start();
    total.state = ReadState::kMore;
  }
}

ReadState ResponseReader::put_end() {
  if (!impl_->parser->got_some()) return ReadState::kMalformed;
  error_code error;
  impl_->parser->put_eof(error);
  return !error && impl_->parser->is_done() ? ReadState::kDone : ReadState::kMalformed;
}

bool ResponseReader::keep_alive() const { return impl_->parser->keep_alive(); }

Response ResponseReader::take() {
  auto& message = impl_->parser->get();
  Response response;
  response.status = static_cast<int>(message.result_int());
  response.content_type = view(message[http::field::content_type]);
  for (const auto& field : message)
    response.headers.emplace_back(to_lower(view(field.name_string())), view(field.value()));
  response.body = std::move(message.body());
  return response;
}

void encode_response(std::string& out, const Response& response, bool keep_alive, bool is_http_1_0, bool is_head) {
  out.reserve(out.size() + 160 + (is_head ? 0 : response.body.size()));
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += view(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status))));
  out += "\r\n";
  if (has_body(response.status)) {
    if (!response.content_type.empty()) put_header(out, "Content-Type", response.content_type);
    put_header(out, "Content-Length", std::to_string(response.body.size()));
  }
  for (const auto& [name, value] : response.headers) put_header(out, name, value);
  if (!keep_alive) out += "Connection: close\r\n";
  if (keep_alive && is_http_1_0) out += "Connection: keep-alive\r\n";
  out += "\r\n";
  if (has_body(response.status) && !is_head) out += response.body;
}

std::string encode_request(const Request& request, std::string_view host, std::string_view bearer) {
  std::string out;
  out.reserve(256 + request.body.size());
  out += cat(request.method, ' ', request.target, " HTTP/1.1\r\n");
  put_header(out, "Host", host);
  if (!bearer.empty()) put_header(out, "Authorization", cat("Bearer ", bearer));
  for (const auto& [name, value] : request.headers) put_header(out, name, value);
  const bool may_be_empty = request.method == "GET" || request.method == "HEAD" || request.method == "DELETE";
  if (!request.body.empty() || !may_be_empty) put_header(out, "Content-Length", std::to_string(request.body.size()));
  out += "\r\n";
  out += request.body;
  return out;
}

}  // namespace ffrtmp::net
