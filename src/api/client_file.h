#pragma once
// client.yaml: where the master is and how to be let in. Written by a master or `up` into its state directory, read by
// the CLI. Three keys: url, ca (PEM file, may be empty), key (secret): the file is 0600.
#include <string>

#include "base/result.h"

namespace ffrtmp::api {

struct ClientFile {
  std::string url;
  std::string ca;
  std::string key;
};

// kGone when there is no such file, kCorrupt naming file:line for a key of no meaning or a broken document.
[[nodiscard]] Result<ClientFile> load_client_file(const std::string& path);
// Whole or not at all: a new file with mode 0600 takes the old one's place.
[[nodiscard]] Status save_client_file(const std::string& path, const ClientFile& file);

// /var/lib/ffrtmp as root, else $XDG_STATE_HOME/ffrtmp, else ~/.local/state/ffrtmp.
[[nodiscard]] std::string default_state_dir();

// The client file to use: the one that was named (it must exist), else <default state dir>/client.yaml, else none.
struct ClientFilePlace {
  std::string path;       // empty: none
  std::string looked_at;  // for the message when nothing was found
};
[[nodiscard]] Result<ClientFilePlace> find_client_file(const std::string& named);

}  // namespace ffrtmp::api
