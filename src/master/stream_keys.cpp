#include "master/stream_keys.h"

#include "base/log.h"
#include "base/text.h"

namespace ffrtmp::master {

Status seal_stream_key(model::Job& job, const net::Sealer& sealer) {
  if (!job.effective.stream_key) return {};
  const std::string key = *job.effective.stream_key;
  FFRTMP_ASSIGN(const std::string sealed, sealer.seal(key));
  job.effective.stream_key = sealed;
  const std::string at_end = cat("/", key);
  for (auto& [name, value] : job.spec.parameters) {
    if (name == "stream_key") value = Scalars::one(sealed);
    if (name != "rtmp_url" && name != "output") continue;
    // The key stands for itself (model/parameters_rules.cpp).
    for (std::string& text : value.values)
      if (text.find("://") != std::string::npos && text.ends_with(at_end)) text.resize(text.size() - at_end.size());
  }
  return {};
}

void unseal_stream_key(model::Parameters& parameters, const net::Sealer& sealer) {
  if (!parameters.stream_key) return;
  auto key = sealer.unseal(*parameters.stream_key);
  if (key)
    parameters.stream_key = *std::move(key);
  else
    log::error("stream_key cannot be read", {{"err", key.error().message}});
}

}  // namespace ffrtmp::master
