#include "store/store.h"

#include <future>

namespace ffrtmp::store {

Result<Reply> apply_blocking(Store& store, Command command) {
  std::promise<Result<Reply>> promise;
  auto future = promise.get_future();
  store.apply(std::move(command), [&promise](Result<Reply> reply) { promise.set_value(std::move(reply)); });
  return future.get();
}

}  // namespace ffrtmp::store
