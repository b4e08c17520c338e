#pragma once
// Who governs which process, for all governors of a host to see: RT/governed/<pid>-<start_ticks>.json, locked by its
// owner as long as that lives (flock: the kernel lets go when the owner dies, however it dies).
//
//   no file    the process is free
//   locked     live claim: hands off
//   unlocked   its owner died, or left it on purpose: the groups in it are swept or taken over
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "govern/attacher.h"
#include "sys/fd.h"
#include "sys/proc_fs.h"

namespace ffrtmp::govern {

struct Claim {
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;
  std::string boot_id;
  std::string owner;  // "run", "attach", "watch", "worker"
  std::int64_t owner_pid = 0;
  Governed governed;

  [[nodiscard]] sys::ProcessKey key() const {
    return {static_cast<pid_t>(pid), static_cast<std::uint64_t>(start_ticks)};
  }
};
BOOST_DESCRIBE_STRUCT(Claim, (), (pid, start_ticks, boot_id, owner, owner_pid, governed))

// Pure. kCorrupt for what is no claim, or names no process.
[[nodiscard]] Result<Claim> parse_claim(std::string_view text);

// A claim of ours. Released by its destructor; keep() leaves the file behind for a later governor.
class HeldClaim {
 public:
  HeldClaim(HeldClaim&&) noexcept = default;
  HeldClaim& operator=(HeldClaim&& other) noexcept;
  HeldClaim(const HeldClaim&) = delete;
  HeldClaim& operator=(const HeldClaim&) = delete;
  ~HeldClaim();

  // kNodeBusy, with owner and job in the message, while another holds it.
  [[nodiscard]] static Result<HeldClaim> take(const std::string& runtime_dir, const Claim& claim);
  // Replaces the text; nobody finds the claim without its lock meanwhile. Fault op: claim.
  [[nodiscard]] Status update(const Claim& claim);
  void release();
  void keep();

 private:
  HeldClaim(std::string path, sys::Fd file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  sys::Fd file_;
};

struct FoundClaim {
  Claim claim;
  bool live = false;
  std::string path;
};
// The claim on `process`; only files of uid 0 or the caller's uid count. Nothing when there is none. One that cannot be
// read counts as long as it is locked, its owner is "unknown" then; without a lock it is none.
[[nodiscard]] Result<std::optional<FoundClaim>> find_claim(const std::string& runtime_dir,
                                                           const sys::ProcessKey& process);
// All of them, as find_claim finds them. What a governor left that was killed while it wrote one is removed.
[[nodiscard]] Result<std::vector<FoundClaim>> list_claims(const std::string& runtime_dir);
// Removes the file of a dead claim.
void drop_claim(const FoundClaim& claim);

// /run/ffrtmp as root, else $XDG_RUNTIME_DIR/ffrtmp, else $TMPDIR/ffrtmp-UID; `asked` when not empty.
[[nodiscard]] std::string default_runtime_dir(const std::string& asked);
// Makes it 0700; kDenied when it is another user's or open to others.
[[nodiscard]] Status prepare_runtime_dir(const std::string& runtime_dir);

}  // namespace ffrtmp::govern
