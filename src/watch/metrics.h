#pragma once
// The daemon's metrics, each with the label component="watch". Any thread.
#include <string>

#include "metrics/registry.h"

namespace ffrtmp::watch {

class Metrics {
 public:
  Metrics();

  [[nodiscard]] std::string expose() const { return registry_.expose(); }

  void scan(bool good, double seconds);
  void found(double processes, double attachments);
  void tracked(double processes);
  void latency(std::string_view source, double seconds);
  void exec_event();
  void exit_event();
  void resync();
  void gate_late();
  void attach(std::string_view result);
  void active(std::string_view command, double by);
  void limit(std::string_view limit, std::string_view status);
  void attach_error(std::string_view error_class);
  void retry_queue(double length);
  void dead_letters(double letters);
  void retry(std::string_view result);
  void health(int state, int scan_failures, int attach_failures);
  void reload(bool good);
  void flush(bool good);
  void reassertion(std::string_view kind);
  void job_started(std::string_view mode);
  void job_ended(bool failed);
  void job_exit(std::string_view exit);
  void sla(bool compliant);

 private:
  template <class Metric>
  Metric& of(metrics::FamilyOf<Metric>& family, std::initializer_list<std::string_view> labels = {});

  metrics::Registry registry_;
  // Every process of the host counts there, and every change of what is tracked.
  metrics::Counter *exec_events_ = nullptr, *exit_events_ = nullptr;
  metrics::Gauge *tracked_ = nullptr, *retry_length_ = nullptr;
  metrics::FamilyOf<metrics::Counter> scans_, events_, resyncs_, gate_late_, attaches_, limits_, attach_errors_,
      retries_, reloads_, flushes_, reassertions_, jobs_, jobs_by_mode_, jobs_by_exit_, sla_;
  metrics::FamilyOf<metrics::Gauge> found_, new_, active_, dead_letters_, health_, failures_, sla_rate_;
  metrics::FamilyOf<metrics::Histogram> scan_seconds_, latency_;
};

}  // namespace ffrtmp::watch
