// The report on what the platform promises.
#include "master/query.h"
#include "master/service.h"
#include "master/sla_report.h"

namespace ffrtmp::master {

void Service::get_sla(std::shared_ptr<Call> call) {
  const auto query = read_sla_query(call->request);
  if (!query) return call->fail(query.error());
  pool_.run([this, call, query = *query] {
    const auto counts = store_.count_sla(query.from, query.to);
    if (!counts) return call->fail(counts.error());
    call->ok(make_sla_report(*counts, query));
  });
}

}  // namespace ffrtmp::master
