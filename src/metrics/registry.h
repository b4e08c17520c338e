#pragma once
// All metrics of a process, and their text for a scrape (Prometheus text format 0.0.4). Names in base units, `_total`
// for counters. A family is registered once, at start; with() is a look-up under a lock, so hot paths keep what it
// returns: it stays valid as long as the registry.
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/metric.h"

namespace ffrtmp::metrics {

// Content-Type of expose().
inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

using LabelValues = std::initializer_list<std::string_view>;  // in the order of the family's label names

// What a callback family hands its samples to.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void sample(LabelValues labels, double value) = 0;
};

enum class Type { kCounter, kGauge, kHistogram };

struct Description {
  std::string name;
  std::string help;
  std::vector<std::string> labels;
};

class Family;

template <class Metric>
class FamilyOf {
 public:
  // The metric with these label values, made on first use. Any thread.
  [[nodiscard]] Metric& with(LabelValues labels);
  [[nodiscard]] Metric& only() { return with({}); }

 private:
  friend class Registry;
  explicit FamilyOf(Family& family) : family_(&family) {}
  Family* family_;
};

class Registry {
 public:
  Registry();
  ~Registry();

  // A name that is registered already must come with the same type and labels, and gives the same family.
  [[nodiscard]] FamilyOf<Counter> counter(Description description);
  [[nodiscard]] FamilyOf<Gauge> gauge(Description description);
  // Bounds ascending, without +Inf.
  [[nodiscard]] FamilyOf<Histogram> histogram(Description description, std::vector<double> bounds);
  // A counter or gauge whose samples are computed at each scrape; `collect` runs on the scraping thread.
  void collect(Type type, Description description, std::function<void(Sink&)> collect);

  // Stands on every sample from now on, before the family's own labels; the same name again has its value replaced.
  void label_all(std::string name, std::string value);

  // The text of a scrape, families in the order of their registration. Any thread.
  [[nodiscard]] std::string expose() const;

 private:
  Family& family(Type type, Description description, std::vector<double> bounds);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Family>> families_;
  std::vector<std::pair<std::string, std::string>> common_labels_;
};

}  // namespace ffrtmp::metrics
