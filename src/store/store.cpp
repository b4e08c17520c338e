#include "store/store.h"

#include <future>

#include "base/fault.h"
#include "base/text.h"
#include "store/session.h"

namespace ffrtmp::store {

Status fault_at(std::string_view op, std::string_view what) {
  const int err = fault::next(op);
  if (err == 0) return {};
  return Error{Errc::kStoreUnavailable, err, cat("the store cannot ", what), {}};
}

Result<Reply> apply_blocking(Store& store, Command command) {
  std::promise<Result<Reply>> promise;
  auto future = promise.get_future();
  store.apply(std::move(command), [&promise](Result<Reply> reply) { promise.set_value(std::move(reply)); });
  return future.get();
}

}  // namespace ffrtmp::store
