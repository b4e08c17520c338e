#include "cli/session.h"

#include <unistd.h>

#include <cstdio>

#include "api/client_file.h"
#include "base/text.h"
#include "config/sources.h"

namespace ffrtmp::cli {
namespace {

Error no_master(const std::string& looked_at) {
  return make_error(
      Errc::kInvalid,
      cat("no master is known: --master and MASTER_URL are not set, --client and FFRTMP_CLIENT name no file, and ",
          looked_at, " does not exist. Start one with \"ffrtmp up\", or copy its client.yaml here."));
}

// Whose file it is usually: a master that ran as root is not readable for others.
Error unreadable(Error error) {
  if (error.code == Errc::kDenied) error.message += " (the file belongs to whoever started the master)";
  return error;
}

}  // namespace

void print_out(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_error(const std::string& line) {
  const std::string text = cat("ffrtmp: ", line, "\n");
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

Status complete_from_client_file(std::string& client, std::string& master, std::string& api_key, std::string& ca) {
  // A master that was named needs no file, unless one was named too.
  if (client.empty() && !master.empty()) return {};
  FFRTMP_ASSIGN(const api::ClientFilePlace place, api::find_client_file(client));
  client = place.path;
  if (place.path.empty()) return no_master(place.looked_at);
  auto file = api::load_client_file(place.path);
  if (!file) return unreadable(std::move(file).error());
  if (master.empty()) master = file->url;
  if (api_key.empty()) api_key = file->key;
  if (ca.empty()) ca = file->ca;
  return {};
}

int with_session(const Invocation& invocation, const std::function<int(Session&)>& work) {
  auto session = Session::open(invocation);
  if (session) return work(*session);
  print_error(session.error().message);
  return exit_code(session.error().code);
}

Result<Session> Session::open(const Invocation& invocation) {
  Session session;
  config::Flags flags = invocation.flags;
  const config::Table table = config::client_table(session.settings_);
  const auto errors = config::load(table, {std::move(flags), config::process_environment, ""});
  for (std::size_t i = 0; i + 1 < errors.size(); ++i) print_error(errors[i].message);
  if (!errors.empty()) return errors.back();
  config::ClientSettings& s = session.settings_;
  FFRTMP_TRY(complete_from_client_file(s.client, s.master, s.api_key, s.ca));
  session.url_ = s.master;
  FFRTMP_ASSIGN(auto connection, net::Client::open({s.master, s.ca, !s.insecure_skip_verify, s.api_key}));
  session.client_ = std::make_unique<api::PersonClient>(std::move(connection), s.timeout);
  return session;
}

void Session::print(const std::string& document, const std::string& text) const {
  print_out(is_json() ? document + (document.ends_with('\n') ? "" : "\n") : text);
}

int Session::fail(const Error& error) const {
  std::string line = error.field.empty() ? error.message : cat(error.field, ": ", error.message);
  if (error.code == Errc::kUnavailable || error.code == Errc::kTimeout) line = cat("master ", url_, ": ", line);
  if (error.code == Errc::kUnauthorized) line = cat("master ", url_, " refuses the key: ", line);
  print_error(line);
  return exit_code(error.code);
}

}  // namespace ffrtmp::cli
