#include "repoquake/io/attribution_file.hpp"

#include <functional>
#include <utility>
#include <vector>

#include "io/cf_dataset.hpp"
#include "io/provenance_group.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/io/result_reader.hpp"

namespace repoquake::io {
namespace {

using study::Attribution;
using study::Share;

void write_group(const Group& root, std::span<const Attribution> metrics, std::span<const std::string> factors,
                 std::uint64_t n_worlds) {
  const Group group = root.create_group("attribution");
  const std::uint64_t n_metrics = metrics.size(), n_factors = factors.size();
  const std::size_t n_orders = metrics.front().n_orders;
  group.attributes().set("method", n_orders == 0 ? "all subsets" : "sample of orders");
  group.attributes().set("n_worlds", static_cast<std::int64_t>(n_worlds));
  group.attributes().set("n_orders", static_cast<std::int64_t>(n_orders));
  std::vector<std::string> ids, units, expressions;
  for (const auto& m : metrics) {
    ids.push_back(m.metric.id);
    units.push_back(m.metric.unit);
    expressions.push_back(m.metric.expr);
  }
  const Dataset metric = write_text_scale(group, "metric", ids, "id of the metric");
  const Dataset factor = write_text_scale(group, "factor", factors, "what is switched on and off");
  const Dataset other = write_text_scale(group, "other_factor", factors, "what it interacts with");
  write_texts(group, "unit", units, metric, "unit of the metric, its shares and their errors");
  write_texts(group, "expr", expressions, metric, "the expression as written");

  const auto of_metrics = [&](const std::string& name, const std::function<double(const Attribution&)>& value_of,
                              std::string_view text) {
    std::vector<double> values;
    for (const auto& m : metrics) values.push_back(value_of(m));
    describe(write_statistic(group, name, {{&metric, n_metrics}}, values), "", text);
  };
  of_metrics(
      "none", [](const Attribution& a) { return a.none.value; }, "metric with every factor off");
  of_metrics(
      "none_se", [](const Attribution& a) { return a.none.standard_error; }, "standard error of none");
  of_metrics(
      "all", [](const Attribution& a) { return a.all.value; }, "metric with every factor on");
  of_metrics(
      "all_se", [](const Attribution& a) { return a.all.standard_error; }, "standard error of all");
  of_metrics(
      "effect", [](const Attribution& a) { return a.effect.value; }, "all less none: the sum of the shares");
  of_metrics(
      "effect_se", [](const Attribution& a) { return a.effect.standard_error; }, "standard error of effect");

  const auto of_factors = [&](const std::string& name, std::vector<Share> Attribution::*shares,
                              const std::string& text) {
    std::vector<double> values, errors, of_orders;
    for (const auto& m : metrics)
      for (const Share& share : m.*shares) {
        values.push_back(share.value);
        errors.push_back(share.standard_error);
        of_orders.push_back(share.error_of_orders);
      }
    const bool is_pair = shares == &Attribution::interactions;
    const auto write = [&](const std::string& as, const std::vector<double>& numbers, const std::string& meaning) {
      const Dataset dataset =
          is_pair
              ? write_statistic(group, as, {{&metric, n_metrics}, {&factor, n_factors}, {&other, n_factors}}, numbers)
              : write_statistic(group, as, {{&metric, n_metrics}, {&factor, n_factors}}, numbers);
      describe(dataset, "", meaning);
    };
    write(name, values, text);
    write(name + "_se", errors, "standard error: " + text);
    if (shares == &Attribution::shapley)
      write(name + "_se_orders", of_orders, "the part of it that is due to the sample of orders; 0 over all subsets");
  };
  of_factors("shapley", &Attribution::shapley,
             "share of the factor in the effect, mean over the orders of switching on");
  of_factors("alone", &Attribution::alone, "effect of the factor with all others off");
  of_factors("last", &Attribution::last, "effect of the factor with all others on");
  of_factors("interaction", &Attribution::interactions, "what two factors do together beyond what each does");
}

}  // namespace

void write_attribution(const std::string& path, bool force, std::span<const Attribution> metrics,
                       std::span<const std::string> factors, const AttributionRun& run, const Provenance& provenance) {
  check_output(path, force);
  File file = create_partial(path);
  {
    const Group root = file.root();
    const Attributes about = root.attributes();
    write_head(about, kAttributionFormat, run.title, run.name);
    about.set("status", "incomplete");
    about.set("conditional", std::int32_t{run.is_conditional ? 1 : 0});
    about.set("scenario_name", run.name);
    about.set("scenario_sha256", provenance.scenario_sha256);
    about.set("n_paths", static_cast<std::int64_t>(run.n_paths));
    about.set("seed", run.seed);
    about.set("program_version", provenance.program_version);
    about.set("git_describe", provenance.git_describe);
    write_group(root, metrics, factors, run.n_worlds);
    const Group origin = root.create_group("provenance");
    describe(origin.create_text("resolved_scenario", provenance.resolved_scenario), "",
             "the scenario with every factor on, YAML");
    write_provenance(origin, provenance, run.threads, run.seconds);
    file.flush();
    root.attributes().set("status", "complete");
  }
  publish(std::move(file), path, force);
}

StoredAttribution read_attribution(const std::string& path) {
  if (!read_info(path).is_attribution()) throw DataError(path + ": is no file of `attribute`");
  const std::string group = "/attribution/";
  StoredAttribution stored{.metrics = {}, .factors = read_texts(path, group + "factor")};
  const auto ids = read_texts(path, group + "metric"), units = read_texts(path, group + "unit"),
             expressions = read_texts(path, group + "expr");
  require_equal_lengths(path, "/attribution", {ids.size(), units.size(), expressions.size()});
  const auto n_orders = File::open(path).root().open_group("attribution").attributes().integer("n_orders");
  const std::size_t k = stored.factors.size();
  for (std::size_t m = 0; m < ids.size(); ++m) {
    Attribution a;
    a.metric.id = ids[m];
    a.metric.unit = units.at(m);
    a.metric.shown_unit = units[m] == "1e9 USD" ? "bn USD" : units[m];
    a.metric.expr = expressions.at(m);
    a.n_orders = static_cast<std::size_t>(n_orders.value_or(0));
    stored.metrics.push_back(std::move(a));
  }
  const auto read = [&](const std::string& name, std::size_t each, auto&& set) {
    const auto values = read_values(path, group + name, 0, ids.size());
    if (values.size() != each * ids.size()) throw DataError(path + ": " + group + name + ": torn");
    for (std::size_t i = 0; i < values.size(); ++i) set(stored.metrics[i / each], i % each, values[i]);
  };
  const auto read_shares = [&](const std::string& name, std::size_t each, std::vector<Share> Attribution::*shares) {
    for (auto& metric : stored.metrics) (metric.*shares).resize(each);
    read(name, each, [&](Attribution& a, std::size_t j, double x) { (a.*shares)[j].value = x; });
    read(name + "_se", each, [&](Attribution& a, std::size_t j, double x) { (a.*shares)[j].standard_error = x; });
  };
  read("none", 1, [](Attribution& a, std::size_t, double x) { a.none.value = x; });
  read("none_se", 1, [](Attribution& a, std::size_t, double x) { a.none.standard_error = x; });
  read("all", 1, [](Attribution& a, std::size_t, double x) { a.all.value = x; });
  read("all_se", 1, [](Attribution& a, std::size_t, double x) { a.all.standard_error = x; });
  read("effect", 1, [](Attribution& a, std::size_t, double x) { a.effect.value = x; });
  read("effect_se", 1, [](Attribution& a, std::size_t, double x) { a.effect.standard_error = x; });
  read_shares("shapley", k, &Attribution::shapley);
  read_shares("alone", k, &Attribution::alone);
  read_shares("last", k, &Attribution::last);
  read_shares("interaction", k * k, &Attribution::interactions);
  if (read_info(path).find(group + "shapley_se_orders") != nullptr)
    read("shapley_se_orders", k, [](Attribution& a, std::size_t j, double x) { a.shapley[j].error_of_orders = x; });
  return stored;
}

}  // namespace repoquake::io
