#include "api/codec.h"

#include "api/sla_report.h"
#include "json/json.h"

namespace ffrtmp::api {
namespace {

// A misspelt key of a person is an answer they need; a key of a newer worker or master is none of our business.
template <class T>
constexpr json::UnknownKeys unknown_keys() {
  return std::is_same_v<T, model::JobSpec> || std::is_same_v<T, CancelRequest> ? json::UnknownKeys::kReject
                                                                               : json::UnknownKeys::kIgnore;
}

Errc errc_of_status(int status) {
  switch (status) {
    case 400:
      return Errc::kInvalid;
    case 401:
      return Errc::kUnauthorized;
    case 403:
      return Errc::kForbidden;
    case 404:
      return Errc::kNotFound;
    case 405:
      return Errc::kMethodNotAllowed;
    case 413:
      return Errc::kTooLarge;
    case 422:
      return Errc::kInvalidField;
    case 429:
      return Errc::kTooManyRequests;
    case 502:
    case 503:
      return Errc::kUnavailable;
    case 504:
      return Errc::kTimeout;
    default:
      return Errc::kInternal;
  }
}

}  // namespace

template <class T>
std::string encode(const T& value) {
  return json::encode(value);
}

template <class T>
Result<T> decode(std::string_view text) {
  return json::decode<T>(text, unknown_keys<T>());
}

Result<model::JobSpec> decode_job_spec(std::string_view text, int default_max_retries) {
  model::JobSpec start;
  start.max_retries = default_max_retries;
  return json::decode<model::JobSpec>(text, json::UnknownKeys::kReject, std::move(start));
}

std::string encode_error(const Error& error) {
  // On the wire a fault of ours has one name: the status's.
  const Errc code = http_status(error.code) == http_status(Errc::kInternal) ? Errc::kInternal : error.code;
  ErrorReply reply{{std::string(wire_name(code)), error.message, std::nullopt}};
  if (!error.field.empty()) reply.error.field = error.field;
  return encode(reply);
}

Error decode_error(int status, std::string_view body) {
  auto reply = decode<ErrorReply>(body);
  if (!reply || reply->error.code.empty()) {
    return make_error(errc_of_status(status), cat("the server answered HTTP ", status));
  }
  // A name of a newer master still has its status to go by.
  Errc code = errc_from_wire(reply->error.code);
  if (code == Errc::kInternal) code = errc_of_status(status);
  return Error{code, 0, std::move(reply->error.message), reply->error.field.value_or("")};
}

#define FFRTMP_WIRE(T)                      \
  template std::string encode<T>(const T&); \
  template Result<T> decode<T>(std::string_view text);

FFRTMP_WIRE(model::JobSpec)
FFRTMP_WIRE(model::AttemptResult)
FFRTMP_WIRE(model::PublishGrant)
FFRTMP_WIRE(ErrorReply)
FFRTMP_WIRE(Attempt)
FFRTMP_WIRE(Job)
FFRTMP_WIRE(JobList)
FFRTMP_WIRE(AttemptList)
FFRTMP_WIRE(SlaReport)
FFRTMP_WIRE(CancelRequest)
FFRTMP_WIRE(ControlReply)
FFRTMP_WIRE(LogPage)
FFRTMP_WIRE(Node)
FFRTMP_WIRE(NodeList)
FFRTMP_WIRE(RegisterRequest)
FFRTMP_WIRE(RegisterReply)
FFRTMP_WIRE(HeartbeatRequest)
FFRTMP_WIRE(HeartbeatReply)
FFRTMP_WIRE(ClaimRequest)
FFRTMP_WIRE(ClaimReply)
FFRTMP_WIRE(ClaimItem)
FFRTMP_WIRE(ProgressRequest)
FFRTMP_WIRE(ProgressReply)
FFRTMP_WIRE(LogAppendReply)
FFRTMP_WIRE(PublishReply)
FFRTMP_WIRE(ResultReply)
FFRTMP_WIRE(ReleaseRequest)
FFRTMP_WIRE(HealthReply)

#undef FFRTMP_WIRE

}  // namespace ffrtmp::api
