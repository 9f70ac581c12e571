#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/dispatch.hpp"
#include "cli/scenario_options.hpp"
#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/engine/trace.hpp"

namespace repoquake::cli {
namespace {

using engine::TraceDay;
using engine::TraceValue;

struct TraceCommand {
  std::string file;
  ScenarioOptions scenario;
  std::uint64_t path = 0;
  std::string format = "text";
  bool quiet = false;
};

/// Exact dollars and cents with thousands apart: -83,176,000,000.00
std::string dollars(Cents cents) {
  const bool is_negative = cents < 0;
  const auto size = is_negative ? 0 - static_cast<std::uint64_t>(cents) : static_cast<std::uint64_t>(cents);
  std::string whole = std::to_string(size / 100);
  for (auto at = static_cast<std::ptrdiff_t>(whole.size()) - 3; at > 0; at -= 3)
    whole.insert(static_cast<std::size_t>(at), ",");
  return fmt::format("{}{}.{:02}", is_negative ? "-" : "", whole, size % 100);
}

bool is_cohort(const TraceValue& value) {
  return value.name.starts_with("notional.") || value.name.starts_with("equity.");
}

void show_values(std::string_view title, const std::vector<TraceValue>& values, std::ostream& out) {
  if (values.empty()) return;
  out << "  " << title << '\n';
  for (const auto& v : values)
    if (!is_cohort(v)) out << fmt::format("    {:<26}{:>18.6f} {}\n", v.name, v.value, v.unit);
}

void show_ledger(const TraceDay& day, std::ostream& out) {
  if (day.ledger.empty()) return;
  Cents sum = 0;
  out << "  ledger of reserves, USD\n";
  for (const auto& entry : day.ledger) {
    sum += entry.cents;
    if (entry.cents != 0) out << fmt::format("    {:<26}{:>24}\n", entry.name, dollars(entry.cents));
  }
  out << fmt::format("    {:<26}{:>24}\n", "sum", dollars(sum))
      << fmt::format("    {:<26}{:>24}   {} -> {}\n", "change of reserves",
                     dollars(day.reserves_after - day.reserves_before), dollars(day.reserves_before),
                     dollars(day.reserves_after));
}

void as_text(const plan::Plan& plan, std::uint64_t path, const std::vector<TraceDay>& days, std::ostream& out) {
  out << (plan.title.empty() ? plan.name : plan.title) << fmt::format(": path {}, seed {}", path, plan.seed)
      << (plan.is_conditional ? ", conditional on realised flows\n" : "\n");
  for (const auto& day : days) {
    out << '\n' << calendar::to_iso(day.date) << (day.mark.empty() ? "" : "  " + day.mark) << '\n';
    for (const auto& flag : day.flags) out << "  event: " << flag << '\n';
    show_values(day.ledger.empty() ? "drawn for the path" : "drawn", day.draws, out);
    show_values("flows", day.flows, out);
    show_values("sessions", day.sessions, out);
    show_values("carried on (cohorts of the funds: --format csv or json)", day.state, out);
    show_values("observed", day.observed, out);
    show_ledger(day, out);
  }
}

/// Calls `use(section, name, unit, text of the value)` for everything; numbers as the shortest text that reads back equal.
template <class Use>
void for_each_value(const TraceDay& day, Use&& use) {
  const auto all = [&](const char* section, const std::vector<TraceValue>& values) {
    for (const auto& v : values) use(section, v.name, v.unit, fmt::format("{}", v.value));
  };
  all("draw", day.draws);
  all("flow", day.flows);
  all("session", day.sessions);
  all("state", day.state);
  all("observed", day.observed);
  for (const auto& entry : day.ledger) use("ledger", entry.name, "cents", std::to_string(entry.cents));
  use("reserves", "before", "cents", std::to_string(day.reserves_before));
  use("reserves", "after", "cents", std::to_string(day.reserves_after));
  for (const auto& flag : day.flags) use("event", flag, "1", "1");
}

void as_csv(const std::vector<TraceDay>& days, std::ostream& out) {
  out << "date,section,name,unit,value\n";
  for (const auto& day : days)
    for_each_value(
        day, [&](const char* section, const std::string& name, const std::string& unit, const std::string& value) {
          out << fmt::format("{},{},{},{},{}\n", calendar::to_iso(day.date), section, name, unit, value);
        });
}

nlohmann::ordered_json values_json(const std::vector<TraceValue>& values) {
  auto object = nlohmann::ordered_json::object();
  for (const auto& v : values) object[v.name] = v.value;
  return object;
}

void as_json(const plan::Plan& plan, std::uint64_t path, const std::vector<TraceDay>& days, std::ostream& out) {
  nlohmann::ordered_json root{{"format", "repoquake/trace/1"},
                              {"scenario", plan.name},
                              {"path", path},
                              {"seed", plan.seed},
                              {"conditional", plan.is_conditional},
                              {"days", nlohmann::ordered_json::array()}};
  for (const auto& day : days) {
    auto ledger = nlohmann::ordered_json::object();
    for (const auto& entry : day.ledger) ledger[entry.name] = entry.cents;
    root["days"].push_back({{"date", calendar::to_iso(day.date)},
                            {"mark", day.mark},
                            {"events", day.flags},
                            {"draws", values_json(day.draws)},
                            {"flows", values_json(day.flows)},
                            {"sessions", values_json(day.sessions)},
                            {"state", values_json(day.state)},
                            {"observed", values_json(day.observed)},
                            {"ledger_cents", ledger},
                            {"reserves_before_cents", day.reserves_before},
                            {"reserves_after_cents", day.reserves_after}});
  }
  out << root.dump(1) << '\n';
}

void trace(const TraceCommand& options, const Command& command) {
  const Prepared prepared = prepare(options.file, options.scenario);
  io::require_valid(prepared.loaded);
  if (!options.quiet && !prepared.loaded.diagnostics.empty())
    command.err << prepared.loaded.diagnostics.render() << '\n';
  const auto days = engine::trace_path(*prepared.plan, options.path);
  if (options.format == "csv")
    as_csv(days, command.out);
  else if (options.format == "json")
    as_json(*prepared.plan, options.path, days, command.out);
  else
    as_text(*prepared.plan, options.path, days, command.out);
}

}  // namespace

void add_trace(CLI::App& app, const Command& command) {
  auto options = std::make_shared<TraceCommand>();
  auto* verb =
      app.add_subcommand("trace", "follow one path day by day: draws, flows, state, and the ledger of reserves");
  verb->add_option("FILE", options->file, "scenario file")->required();
  verb->add_option("--path", options->path, "index of the path, from 0")->required()->type_name("N");
  verb->add_option("--format", options->format, "text for people; csv or json with numbers that round-trip")
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->type_name("text|csv|json");
  add_scenario_options(*verb, options->scenario);
  verb->add_flag("--quiet", options->quiet, "no warnings");
  verb->callback([options, command] { trace(*options, command); });
}

}  // namespace repoquake::cli
