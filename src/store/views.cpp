#include "store/views.h"

#include <algorithm>

namespace ffrtmp::store {
namespace {

template <class T, class U>
bool agrees(const std::optional<T>& wanted, const U& is) {
  return !wanted || is == *wanted;
}

}  // namespace

bool matches(const JobFilter& f, const model::Job& job) {
  const bool status = f.status.empty() || std::find(f.status.begin(), f.status.end(), job.now.status) != f.status.end();
  return status && agrees(f.queue, job.spec.queue) && agrees(f.priority, job.spec.priority) &&
         agrees(f.engine, job.spec.engine) && agrees(f.classification, job.spec.classification) &&
         agrees(f.scenario, job.spec.scenario) && agrees(f.node_id, job.now.node_id) && agrees(f.owner, job.owner) &&
         agrees(f.failure_reason, job.now.failure_reason) && (!f.created_after || job.created_at > *f.created_after) &&
         (!f.created_before || job.created_at < *f.created_before);
}

JobView make_view(model::Job job, std::optional<model::Progress> stored, const LiveTable& live) {
  JobView view{std::move(job), std::move(stored)};
  if (!model::is_live(view.job.now.status) || !view.job.now.attempt_id) return view;
  if (auto note = live.progress_of(*view.job.now.attempt_id)) {
    view.progress = std::move(note->progress);
    view.job.now.last_activity_at = std::max(view.job.now.last_activity_at, note->at);
  }
  return view;
}

NodeView make_node_view(model::Node node, const LiveTable& live, BootTime now, const Intervals& intervals) {
  NodeView view;
  view.node = std::move(node);
  auto note = live.note_of(view.node.id);
  if (!note) return view;
  if (note->node.seen) view.node.last_heartbeat_at = std::max(view.node.last_heartbeat_at, note->node.last_contact_utc);
  view.status = status_of(note->node, note->attempts.size(), now, intervals);
  view.load = note->node.load;
  view.active_attempts = std::move(note->attempts);
  return view;
}

}  // namespace ffrtmp::store
