#include <filesystem>
#include <memory>
#include <ostream>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/attribution_file.hpp"
#include "repoquake/io/checkpoint_file.hpp"
#include "repoquake/io/result_reader.hpp"
#include "repoquake/io/reverse_file.hpp"
#include "repoquake/io/sweep_file.hpp"
#include "repoquake/report/attribution_table.hpp"
#include "repoquake/report/reverse_table.hpp"
#include "repoquake/report/sweep_text.hpp"

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
  io::require_equal_lengths(info.path, "/features", {names.size(), units.size(), mean.size(), error.size()});
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
  io::require_equal_lengths(info.path, "/metrics",
                            {names.size(), units.size(), expressions.size(), value.size(), error.size()});
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
  io::require_equal_lengths(info.path, "/scores",
                            {names.size(), units.size(), crps.rows, error.rows, persistence.rows});
  io::require_equal_lengths(info.path, "/scores", {windows.size(), crps.columns, error.columns, persistence.columns});
  if (windows.empty()) return;
  out << fmt::format("\nScores, {}{}: CRPS ± std. error, that of persistence\n", windows.front(),
                     info.is_conditional ? ", conditional on realised flows" : "");
  for (std::size_t k = 0; k < names.size(); ++k)
    out << fmt::format("  {:<28}{:>20}{:>10.3f}  {}\n", names[k],
                       fmt::format("{:.3f} ± {:.3f}", crps.at(k, 0), error.at(k, 0)), persistence.at(k, 0), units[k]);
}

constexpr std::string_view kPartial = ".partial";

/// What became of the result that a partial file was to be.
std::string fate_of(const std::string& result) {
  return std::filesystem::exists(result) ? fmt::format("{} is an earlier result and untouched", result)
                                         : fmt::format("there is no {}", result);
}

std::string run_again(const std::string& result) {
  return std::filesystem::exists(result) ? "run it again with --force" : "run it again";
}

/// How far the run to `result` can be resumed, and how.
std::string explain_checkpoint(const std::string& result) {
  try {
    const auto checkpoint = io::read_checkpoint(result);
    if (!checkpoint) return "there is no checkpoint beside it: --resume would start anew";
    const auto chunks = io::count_chunks(result, *checkpoint);
    const std::string rebuilt = chunks.listed == 0
                                    ? ""
                                    : fmt::format(
                                          "; --resume rebuilds the file from the chunks that it lists, {} "
                                          "of {} are whole",
                                          chunks.whole, chunks.listed);
    return fmt::format("its checkpoint reaches {} of {} paths{}; go on with\n    {}", checkpoint->paths_done,
                       checkpoint->identity.n_paths, rebuilt, io::resume_command(checkpoint->command_line));
  } catch (const DataError& torn) {
    return fmt::format("{}: --resume would start anew", torn.what());
  }
}

/// What a file that is not a result, but was to become one, is good for; nothing for a result.
std::string explain_partial(const io::ResultInfo& info) {
  const bool has_partial_name = info.path.ends_with(kPartial);
  const std::string result = info.path.substr(0, info.path.size() - (has_partial_name ? kPartial.size() : 0));
  if (info.status == "complete")
    return has_partial_name ? fmt::format(
                                  "  whole; the run was killed before it could rename it to {}: do that, and nothing "
                                  "is lost; {}\n",
                                  result, fate_of(result))
                            : "";
  if (info.find("/sweep/hash") != nullptr) {
    const auto table = io::read_sweep(info.path);
    const auto n_known = table.points.size() - table.count(study::PointStatus::missing);
    return fmt::format("  the sweep was interrupted; it holds {} of {} points; {}\n  go on with --resume\n", n_known,
                       table.points.size(), fate_of(result));
  }
  const std::string what =
      info.status == "interrupted" ? "the run was interrupted" : "the run was killed, or could not write on";
  const std::string holds =
      info.n_paths == 0 ? "it holds no paths" : fmt::format("it holds {} whole paths", info.n_paths);
  return fmt::format("  {}; {}; {}\n  {}\n  or {}; `repoquake run --from {}` runs its scenario\n", what, holds,
                     fate_of(result), explain_checkpoint(result), run_again(result), info.path);
}

/// That a file is made of what several processes wrote.
std::string resumptions(const io::ResultInfo& info) {
  if (info.resumed_after.empty()) return "";
  std::string text;
  for (const double paths : info.resumed_after) text += fmt::format("{}{:.0f}", text.empty() ? "" : ", ", paths);
  return fmt::format("  resumed after {} paths, rebuilt from the chunks that were listed\n", text);
}

/// Where a partial file cannot even be opened.
io::ResultInfo read_info_or_explain(const std::string& file) {
  try {
    return io::read_info(file);
  } catch (const DataError& error) {
    if (!file.ends_with(kPartial)) throw;
    const std::string result = file.substr(0, file.size() - kPartial.size());
    throw DataError(fmt::format(
        "{}\n  the run that wrote it was killed: HDF5 cannot open it, nothing in it can be read; {}\n  {}\n  or {}",
        error.what(), fate_of(result), explain_checkpoint(result), run_again(result)));
  }
}

/// Files that stand beside a partial one. True: this is one.
bool show_helper_file(const std::string& file, std::ostream& out) {
  for (const auto& [ending, what] : {std::pair(".checkpoint", "where a run that was interrupted or killed stood"),
                                     std::pair(".resuming",
                                               "the earlier part of a run that was killed while it was "
                                               "resumed")}) {
    if (!file.ends_with(ending) || !std::filesystem::is_regular_file(file)) continue;
    const std::string result = file.substr(0, file.size() - std::string_view(ending).size());
    out << fmt::format("{}\n  {}; {}\n  {}\n", file, what, fate_of(result), explain_checkpoint(result));
    return true;
  }
  return false;
}

void show(const std::string& file, std::ostream& out) {
  if (show_helper_file(file, out)) return;
  const auto info = read_info_or_explain(file);
  out << fmt::format("{}\n  {}\n  {}, {}{}\n", info.path, info.title.empty() ? info.scenario_name : info.title,
                     info.format, info.status, info.is_conditional ? ", conditional replay" : "");
  out << fmt::format("  {} paths, seed {}, created {}, {} bytes\n", info.n_paths, info.seed, info.created,
                     info.file_bytes);
  if (!info.sampling.empty())
    out << fmt::format("  draws: {}; errors from {} independent batches\n", info.sampling, info.batching.count);
  if (!info.provenance.program_version.empty())
    out << fmt::format("  repoquake {} ({})", info.provenance.program_version, info.provenance.git_describe);
  if (info.threads > 0) out << fmt::format(", {:.2f} s on {} threads", info.seconds, info.threads);
  out << '\n' << resumptions(info) << explain_partial(info);
  for (const auto& input : info.provenance.inputs)
    out << fmt::format("  {:<10} {}  sha256 {}\n", input.role, input.path, input.sha256);
  if (info.status == "incomplete") return;  // what its tables are to hold is not there yet
  for (const auto& group : info.groups) {
    out << '\n' << group << '\n';
    for (const auto& d : info.datasets)
      if (d.path.starts_with(group + "/"))
        out << fmt::format("  {:<28}({:<24}) {:<22} {}\n", d.path.substr(group.size() + 1), shape_text(d), d.units,
                           d.long_name);
  }
  if (info.is_partial) return;
  if (info.find("/sweep/hash") != nullptr) {
    auto table = io::read_sweep(file);
    study::add_indices(table);
    out << '\n' << report::sweep_text(table);
  }
  if (info.find("/reverse/curve") != nullptr) out << '\n' << report::reverse_table(io::read_reverse(file));
  if (info.is_attribution()) {
    const auto stored = io::read_attribution(file);
    out << report::attribution_table(stored.metrics, stored.factors);
  }
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
