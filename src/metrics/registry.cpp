#include "metrics/registry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <type_traits>

#include "base/text.h"

namespace ffrtmp::metrics {
namespace {

// Escaping in help texts and label values; a quote stands for itself in help.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information
void put_escaped(std::string& out, std::string_view text, bool is_label) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && is_label) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

// Whole numbers up to this are exact as doubles and read better without an exponent.
constexpr double kExactLimit = 9007199254740992;  // 2^53

// The shortest text that reads back as the same number.
void put_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char text[32];
    const bool is_whole = std::trunc(value) == value && std::abs(value) < kExactLimit;
    const auto end = is_whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value))
                              : std::to_chars(text, text + sizeof text, value);
    out.append(text, end.ptr);
  }
}

using CommonLabels = std::vector<std::pair<std::string, std::string>>;

void put_labels(std::string& out, const CommonLabels& common, const std::vector<std::string>& names,
                const std::vector<std::string>& values, std::string_view bound) {
  if (common.empty() && names.empty() && bound.empty()) return;
  char before = '{';
  const auto put = [&](std::string_view name, std::string_view value) {
    out += before;
    out += name;
    out += "=\"";
    put_escaped(out, value, true);
    out += '"';
    before = ',';
  };
  for (const auto& [name, value] : common) put(name, value);
  for (std::size_t i = 0; i < names.size(); ++i) put(names[i], values[i]);
  if (!bound.empty()) put("le", bound);
  out += '}';
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kCounter:
      return "counter";
    case Type::kGauge:
      return "gauge";
    case Type::kHistogram:
      return "histogram";
  }
  return "untyped";
}

// A family used with wrong labels is a fault of the program, found by its first test.
[[noreturn]] void misuse(std::string_view name, std::string_view what) {
  std::fprintf(stderr, "metric %.*s: %.*s\n", static_cast<int>(name.size()), name.data(), static_cast<int>(what.size()),
               what.data());
  std::abort();
}

}  // namespace

class Family {
 public:
  Family(Type type, Description description, std::vector<double> bounds)
      : type_(type), description_(std::move(description)), bounds_(std::move(bounds)) {}

  [[nodiscard]] const std::string& name() const { return description_.name; }
  [[nodiscard]] bool is_like(Type type, const Description& other, const std::vector<double>& bounds) const {
    return type == type_ && other.labels == description_.labels && bounds == bounds_;
  }
  void set_collect(std::function<void(Sink&)> collect) { collect_ = std::move(collect); }

  template <class Metric>
  Metric& with(LabelValues labels) {
    check(labels);
    const std::lock_guard lock(mutex_);
    auto& slot = series<Metric>()[{labels.begin(), labels.end()}];
    if (!slot) slot = make<Metric>();
    return *slot;
  }

  void expose(std::string& out, const CommonLabels& common) const {
    out += cat("# HELP ", description_.name, ' ');
    put_escaped(out, description_.help, false);
    out += cat("\n# TYPE ", description_.name, ' ', type_name(type_), '\n');
    Text text{*this, common, out};
    if (collect_) return collect_(text);
    const std::lock_guard lock(mutex_);
    for (const auto& [labels, counter] : counters_) text.put(labels, static_cast<double>(counter->value()));
    for (const auto& [labels, gauge] : gauges_) text.put(labels, gauge->value());
    for (const auto& [labels, histogram] : histograms_) text.put(labels, histogram->read());
  }

 private:
  using Key = std::vector<std::string>;
  template <class Metric>
  using Series = std::map<Key, std::unique_ptr<Metric>>;  // sorted: a scrape always has the same order

  template <class Metric>
  Series<Metric>& series() {
    if constexpr (std::is_same_v<Metric, Counter>) return counters_;
    if constexpr (std::is_same_v<Metric, Gauge>) return gauges_;
    if constexpr (std::is_same_v<Metric, Histogram>) return histograms_;
  }
  template <class Metric>
  std::unique_ptr<Metric> make() const {
    if constexpr (std::is_same_v<Metric, Histogram>) {
      return std::make_unique<Histogram>(bounds_);
    } else {
      return std::make_unique<Metric>();
    }
  }

  void check(LabelValues labels) const {
    if (labels.size() != description_.labels.size())
      misuse(description_.name, "another number of labels than registered");
  }

  // One scrape of this family.
  struct Text final : Sink {
    Text(const Family& f, const CommonLabels& c, std::string& o) : family(f), common(c), out(o) {}

    void sample(LabelValues labels, double value) override {
      family.check(labels);
      put({labels.begin(), labels.end()}, value);
    }
    void put(const Key& labels, double value) { put_sample("", labels, "", value); }
    void put(const Key& labels, const Histogram::Reading& reading) {
      for (std::size_t i = 0; i < reading.cumulative.size(); ++i) {
        std::string bound;
        put_number(bound, i < family.bounds_.size() ? family.bounds_[i] : HUGE_VAL);
        put_sample("_bucket", labels, bound, static_cast<double>(reading.cumulative[i]));
      }
      put_sample("_sum", labels, "", reading.sum);
      put_sample("_count", labels, "", static_cast<double>(reading.cumulative.back()));
    }
    void put_sample(std::string_view suffix, const Key& labels, std::string_view bound, double value) {
      out += family.name();
      out += suffix;
      put_labels(out, common, family.description_.labels, labels, bound);
      out += ' ';
      put_number(out, value);
      out += '\n';
    }

    const Family& family;
    const CommonLabels& common;
    std::string& out;
  };

  const Type type_;
  const Description description_;
  const std::vector<double> bounds_;
  std::function<void(Sink&)> collect_;
  mutable std::mutex mutex_;
  Series<Counter> counters_;
  Series<Gauge> gauges_;
  Series<Histogram> histograms_;
};

template <class Metric>
Metric& FamilyOf<Metric>::with(LabelValues labels) {
  return family_->with<Metric>(labels);
}
template class FamilyOf<Counter>;
template class FamilyOf<Gauge>;
template class FamilyOf<Histogram>;

Registry::Registry() = default;
Registry::~Registry() = default;

Family& Registry::family(Type type, Description description, std::vector<double> bounds) {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::ranges::find_if(families_, [&](const auto& known) { return known->name() == description.name; });
  if (found != families_.end()) {
    if (!(*found)->is_like(type, description, bounds)) misuse(description.name, "registered twice, differently");
    return **found;
  }
  families_.push_back(std::make_unique<Family>(type, std::move(description), std::move(bounds)));
  return *families_.back();
}

FamilyOf<Counter> Registry::counter(Description description) {
  return FamilyOf<Counter>(family(Type::kCounter, std::move(description), {}));
}
FamilyOf<Gauge> Registry::gauge(Description description) {
  return FamilyOf<Gauge>(family(Type::kGauge, std::move(description), {}));
}
FamilyOf<Histogram> Registry::histogram(Description description, std::vector<double> bounds) {
  return FamilyOf<Histogram>(family(Type::kHistogram, std::move(description), std::move(bounds)));
}
void Registry::collect(Type type, Description description, std::function<void(Sink&)> collect) {
  if (type == Type::kHistogram) misuse(description.name, "a histogram cannot be computed at a scrape");
  family(type, std::move(description), {}).set_collect(std::move(collect));
}

void Registry::label_all(std::string name, std::string value) {
  const std::lock_guard lock(mutex_);
  for (auto& [known, old] : common_labels_)
    if (known == name) {
      old = std::move(value);
      return;
    }
  common_labels_.emplace_back(std::move(name), std::move(value));
}

std::string Registry::expose() const {
  std::vector<const Family*> families;
  CommonLabels common;
  {
    const std::lock_guard lock(mutex_);
    common = common_labels_;
    for (const auto& known : families_) families.push_back(known.get());
  }
  std::string out;
  for (const auto* known : families) known->expose(out, common);
  return out;
}

}  // namespace ffrtmp::metrics
