#pragma once
// JSON text of the wire structs and back. One .cpp owns the heavy templates; everybody else calls these.
#include <string>
#include <string_view>

#include "api/wire.h"
#include "base/result.h"

namespace ffrtmp::api {

// Defined for every struct of wire.h that travels, model::JobSpec, model::AttemptResult and model::PublishGrant.
template <class T>
[[nodiscard]] std::string encode(const T& value);

// Bodies of people (jobs) refuse unknown keys, bodies of workers and replies ignore them: chosen by type in codec.cpp.
template <class T>
[[nodiscard]] Result<T> decode(std::string_view text);

// Body of POST /jobs; a job that does not say how often to retry gets the master's default.
[[nodiscard]] Result<model::JobSpec> decode_job_spec(std::string_view text, int default_max_retries);

// Body of a failed request.
[[nodiscard]] std::string encode_error(const Error& error);
// The error a reply's body tells; `status` serves when the body is none of ours.
[[nodiscard]] Error decode_error(int status, std::string_view body);

}  // namespace ffrtmp::api
