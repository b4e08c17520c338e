#pragma once
// A backend's single writing session: rows, and the group of commands that shares one commit. Writer's thread only,
// except where said. The transaction starts with the first write, so that a group which changes no row costs none.
#include "store/tx.h"

namespace ffrtmp::store {

class Session : public Tx {
 public:
  // Makes the group durable. After an error, from here or from any row operation, the caller rolls back.
  virtual Status commit() = 0;
  virtual void roll_back() = 0;
  // Writes and reads one row, in a transaction of its own.
  virtual Status probe() = 0;
};

// A failure that a test asked for: it breaks all of the store ("store") or only the end of a group ("store_commit").
[[nodiscard]] Status fault_at(std::string_view op, std::string_view what);

}  // namespace ffrtmp::store
