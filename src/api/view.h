#pragma once
// Nouns of the model as the API shows them. Secrets are masked here: a stream key and the user info of a URL never
// leave the master.
#include <optional>
#include <string>
#include <string_view>

#include "api/wire.h"
#include "store/store.h"

namespace ffrtmp::api {

[[nodiscard]] Job make_job(const store::JobView& view, std::optional<std::string> node_name);
// With transitions, attempts and the last result.
[[nodiscard]] Job make_job_detail(const store::JobDetail& detail, std::optional<std::string> node_name);
[[nodiscard]] Attempt make_attempt(const model::Attempt& attempt);
[[nodiscard]] Node make_node(const store::NodeView& view);
[[nodiscard]] ControlReply make_control_reply(const model::Job& job);
[[nodiscard]] EffectiveParameters make_effective(const model::Parameters& parameters);

// "rtmp://user:pass@host/app" -> "rtmp://***@host/app"; text that is no URL is returned as it is.
[[nodiscard]] std::string mask_url(std::string_view text);

}  // namespace ffrtmp::api
