#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"
#include "repoquake/io/result_reader.hpp"

namespace repoquake::cli {
namespace {

std::string shape_text(const io::DatasetInfo& d) {
  std::string text;
  for (std::size_t i = 0; i < d.shape.size(); ++i)
    text += fmt::format("{}{}{}", i == 0 ? "" : ", ",
                        i < d.dimensions.size() && !d.dimensions[i].empty() ? d.dimensions[i] + " " : "", d.shape[i]);
  return text;
}

void show_features(const io::ResultInfo& info, std::ostream& out) {
  if (info.find("/features/mean") == nullptr) return;
  const auto names = io::read_texts(info.path, "/features/feature");
  const auto units = io::read_texts(info.path, "/features/unit");
  const auto mean = io::read_column(info.path, "/features/mean");
  const auto error = io::read_column(info.path, "/features/mean_se");
  out << "\nOver the window, mean ± std. error\n";
  for (std::size_t k = 0; k < names.size(); ++k)
    out << fmt::format("  {:<28}{:>20}  {}\n", names[k], fmt::format("{:.2f} ± {:.2f}", mean[k], error[k]), units[k]);
}

void show_metrics(const io::ResultInfo& info, std::ostream& out) {
  if (info.find("/metrics/value") == nullptr) return;
  const auto names = io::read_texts(info.path, "/metrics/metric");
  const auto units = io::read_texts(info.path, "/metrics/unit");
  const auto expressions = io::read_texts(info.path, "/metrics/expr");
  const auto value = io::read_column(info.path, "/metrics/value");
  const auto error = io::read_column(info.path, "/metrics/se");
  out << "\nMetrics, ± std. error\n";
  for (std::size_t k = 0; k < names.size(); ++k)
    out << fmt::format("  {:<28}{:>20}  {:<14}{}\n", names[k], fmt::format("{:.4g} ± {:.2g}", value[k], error[k]),
                       units[k], expressions[k]);
}

void show_scores(const io::ResultInfo& info, std::ostream& out) {
  if (info.find("/scores/crps") == nullptr) return;
  const auto names = io::read_texts(info.path, "/scores/variable");
  const auto units = io::read_texts(info.path, "/scores/unit");
  const auto windows = io::read_texts(info.path, "/scores/window");
  const auto crps = io::read_table(info.path, "/scores/crps");
  const auto error = io::read_table(info.path, "/scores/crps_se");
  const auto persistence = io::read_table(info.path, "/scores/crps_persistence");
  out << fmt::format("\nScores, {}{}: CRPS ± std. error, that of persistence\n", windows.front(),
                     info.is_conditional ? ", conditional on realised flows" : "");
  for (std::size_t k = 0; k < names.size(); ++k)
    out << fmt::format("  {:<28}{:>20}{:>10.3f}  {}\n", names[k],
                       fmt::format("{:.3f} ± {:.3f}", crps.at(k, 0), error.at(k, 0)), persistence.at(k, 0), units[k]);
}

void show(const std::string& file, std::ostream& out) {
  const auto info = io::read_info(file);
  out << fmt::format("{}\n  {}\n  {}, {}{}\n", info.path, info.title.empty() ? info.scenario_name : info.title,
                     info.format, info.status, info.is_conditional ? ", conditional replay" : "");
  out << fmt::format("  {} paths, seed {}, created {}, {} bytes\n", info.n_paths, info.seed, info.created,
                     info.file_bytes);
  if (!info.provenance.program_version.empty())
    out << fmt::format("  repoquake {} ({}), {:.2f} s on {} threads\n", info.provenance.program_version,
                       info.provenance.git_describe, info.seconds, info.threads);
  for (const auto& input : info.provenance.inputs)
    out << fmt::format("  {:<10} {}  sha256 {}\n", input.role, input.path, input.sha256);
  for (const auto& group : info.groups) {
    out << '\n' << group << '\n';
    for (const auto& d : info.datasets)
      if (d.path.starts_with(group + "/"))
        out << fmt::format("  {:<28}({:<24}) {:<22} {}\n", d.path.substr(group.size() + 1), shape_text(d), d.units,
                           d.long_name);
  }
  if (info.is_partial) return;
  show_features(info, out);
  show_metrics(info, out);
  show_scores(info, out);
}

}  // namespace

void add_info(CLI::App& app, const Command& command) {
  auto file = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("info", "say what a result file holds and how it ended");
  verb->add_option("FILE", *file, "result file")->required();
  verb->callback([file, command] { show(*file, command.out); });
}

}  // namespace repoquake::cli
