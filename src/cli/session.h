#pragma once
// What every command on a master needs: the connection as the settings say, and where answers and errors go.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/client.h"
#include "base/result.h"
#include "cli/command.h"
#include "config/settings.h"

namespace ffrtmp::cli {

class Session {
 public:
  // Reads settings and client file and prepares a connection; nothing is sent yet.
  [[nodiscard]] static Result<Session> open(const Invocation& invocation);

  api::PersonClient& client() { return *client_; }
  [[nodiscard]] bool is_json() const { return settings_.output == "json"; }
  [[nodiscard]] std::chrono::milliseconds timeout() const { return settings_.timeout; }

  // Prints the API's document, or the text for people.
  void print(const std::string& document, const std::string& text) const;
  // Prints the error as a person needs it; the exit code that belongs to it.
  [[nodiscard]] int fail(const Error& error) const;

 private:
  Session() = default;
  config::ClientSettings settings_;
  std::string url_;
  std::unique_ptr<api::PersonClient> client_;
};

inline constexpr int kUsageExit = 2;
inline constexpr int kNotCompletedExit = 4;

// Opens a session and runs `work` in it; prints why when it cannot.
[[nodiscard]] int with_session(const Invocation& invocation, const std::function<int(Session&)>& work);
void print_out(const std::string& text);
void print_error(const std::string& line);
// Where the master is: what was set explicitly, else what the client file says.
[[nodiscard]] Status complete_from_client_file(std::string& client, std::string& master, std::string& api_key,
                                               std::string& ca);

}  // namespace ffrtmp::cli
