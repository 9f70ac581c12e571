// The program as a user meets it: verbs, exit codes, what is on standard output and what on standard error.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "repoquake/io/result_reader.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

struct Ran {
  int code;
  std::string out, err;
};

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return (std::stringstream() << in.rdbuf()).str();
}

/// A folder of its own, gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "repoquake-cli-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

  [[nodiscard]] Ran run(const std::string& arguments) const {
    const std::string command =
        "cd '" + path_.string() + "' && " REPOQUAKE_PROGRAM " " + arguments + " >out.txt 2>err.txt </dev/null";
    const int status = std::system(command.c_str());
    REQUIRE(WIFEXITED(status));
    return {WEXITSTATUS(status), text_of(path_ / "out.txt"), text_of(path_ / "err.txt")};
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  fs::path path_;
};

const std::string kSeptember = std::string(REPOQUAKE_SOURCE_DIR) + "/scenarios/sep_2019.yaml";
const std::string kQuick = "run " + kSeptember + " --paths 300 --quiet ";

}  // namespace

TEST_CASE("run writes a result, prints the summary, and says nothing else when quiet", "[cli]") {
  const Folder here;
  const auto ran = here.run(kQuick + "-o r.h5");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  CHECK_THAT(ran.out, Contains("Conditional replay"));
  CHECK_THAT(ran.out, Contains("2019-09-17") && Contains("peak SOFR - IORB, bp") && Contains("315.0") && Contains("±"));
  CHECK(fs::exists(here / "r.h5"));
  CHECK_FALSE(fs::exists(here / "r.h5.partial"));
}

TEST_CASE("without a terminal, progress is a line per 10 %", "[cli]") {
  const Folder here;
  const auto ran = here.run("run " + kSeptember + " --paths 20480 --set output.paths=none -o r.h5");
  CHECK(ran.code == 0);
  CHECK_THAT(ran.err, StartsWith(" 10 %") && Contains("100 % 20480 of 20480 paths"));
  CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 10);
  CHECK(ran.err.find('\r') == std::string::npos);
}

TEST_CASE("an existing result is never replaced without --force, and that is known before simulating", "[cli]") {
  const Folder here;
  here.write("r.h5", "precious");
  const auto refused = here.run(kQuick + "-o r.h5");
  CHECK(refused.code == 74);
  CHECK(refused.out.empty());
  CHECK_THAT(refused.err, Contains("r.h5") && Contains("--force"));
  CHECK(text_of(here / "r.h5") == "precious");
  CHECK(here.run("run nowhere.yaml -o r.h5").code == 74);
  CHECK(here.run(kQuick + "-o r.h5 --force").code == 0);
  CHECK(repoquake::io::read_info(here / "r.h5").status == "complete");
}

TEST_CASE("exit codes of wrong input", "[cli]") {
  const Folder here;
  CHECK(here.run("").code == 2);
  CHECK(here.run("run").code == 2);
  CHECK(here.run("ron x.yaml").code == 2);
  CHECK(here.run("run x.yaml --no-such-option").code == 2);
  CHECK(here.run("run x.yaml --threads 0").code == 2);
  CHECK(here.run("run x.yaml --paths many").code == 2);
  CHECK(here.run("--help").code == 0);
  CHECK(here.run("run --help").code == 0);
  CHECK(here.run("run nowhere.yaml").code == 74);
  CHECK(here.run(kQuick + "-o no/such/folder/r.h5").code == 74);
  CHECK(here.run(kQuick + "--with nowhere.yaml").code == 74);
  CHECK(here.run(kQuick + "--set market.bank_assets=12").code == 65);
  CHECK(here.run(kQuick + "--set no.such.key=1").code == 65);
  CHECK(here.run("info nowhere.h5").code == 74);
  here.write("text.h5", "this is no HDF5 file");
  CHECK(here.run("info text.h5").code == 65);
  here.write("broken.yaml", "format: repoquake/scenario/1\nname: x\nwindow: {start: 2019-09-11\n");
  CHECK(here.run("run broken.yaml").code == 65);
}

TEST_CASE("an unknown word of the command line is named, with the nearest", "[cli]") {
  const Folder here;
  const auto said = [&](const std::string& words, int code) {
    const auto ran = here.run(words);
    CHECK(ran.code == code);
    return ran.err;
  };
  CHECK_THAT(said("runn x.yaml", 2), Contains("no command is called \"runn\"; did you mean \"run\"?"));
  CHECK_THAT(said("run lib:sep_2019 --path 10", 2), Contains("run has no option --path; did you mean \"--paths\"?"));
  CHECK_THAT(said("run lib:sep_2019 --pahts=10", 2), Contains("run has no option --pahts; did you mean \"--paths\"?"));
  CHECK_THAT(said("run lib:sep2019", 74), Contains("no file sep2019.yaml; did you mean \"sep_2019.yaml\"?"));
  CHECK_THAT(said("run lib:zzzzzzzz", 74), Contains("no file zzzzzzzz.yaml") && !Contains("did you mean"));
  CHECK_THAT(said("run x.yaml y.yaml", 2), !Contains("has no option"));  // control: its options are right
  CHECK_THAT(said("run", 2), !Contains("no command") && !Contains("has no option"));
}

TEST_CASE("a sweep that mixes axes with a design hears of that, and not that the other part is empty", "[cli]") {
  const Folder here;
  const std::string head =
      "format: repoquake/sweep/1\nname: x\nbase: lib:sep_2019\nmetrics: [{id: m, expr: "
      "\"mean(max(sofr - iorb))\"}]\n";
  const std::string key = "set: fed_balance_sheet.reserves";
  here.write("both.yaml", head + "design: {kind: grid}\naxes: [{" + key + ", values: [1300 bn USD]}]\n");
  CHECK_THAT(here.run("check both.yaml").err, Contains("give one of them") && !Contains("needs at least one"));
  here.write("factors.yaml", head + "factors: [{" + key + ", range: [1300 bn USD, 1500 bn USD]}]\n");
  CHECK_THAT(here.run("check factors.yaml").err, Contains("factors need a design") && !Contains("needs at least one"));
  here.write("none.yaml", head + "design: {kind: lhs, samples: 8}\nfactors: []\n");  // control: it is empty
  CHECK_THAT(here.run("check none.yaml").err, Contains("needs at least one factor"));
}

TEST_CASE("all that is wrong comes at once, with its place", "[cli]") {
  const Folder here;
  here.write("bad.yaml", text_of(kSeptember) + "\nno_such_section: 1\n");
  const auto ran = here.run("check bad.yaml --set market.repo_volume=5 --set 'model.banks.lending_share=7'");
  CHECK(ran.code == 65);
  CHECK(ran.out.empty());
  CHECK_THAT(ran.err, Contains("bad.yaml:") && Contains("no_such_section") && Contains("market.repo_volume") &&
                          Contains("has no unit") && Contains("model.banks.lending_share") && Contains("0.5 to 1.1"));
  CHECK_THAT(ran.err, Contains(" errors"));
}

TEST_CASE("check says which files are right and looks at all of them", "[cli]") {
  const Folder here;
  const auto ok = here.run("check " + kSeptember);
  CHECK(ok.code == 0);
  CHECK_THAT(ok.out, Contains("sep_2019.yaml: ok"));
  CHECK(ok.err.empty());
  here.write("bad.yaml", "name: x\n");
  const auto mixed = here.run("check bad.yaml " + kSeptember);
  CHECK(mixed.code == 65);
  CHECK_THAT(mixed.out, Contains("sep_2019.yaml: ok"));
  CHECK(here.run("check nowhere.yaml bad.yaml " + kSeptember).code == 74);
}

TEST_CASE("every scenario of the library is right and draws no warning", "[cli]") {
  const Folder here;
  const auto ran = here.run("check " + fs::path(kSeptember).parent_path().string() + "/*.yaml");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') >= 12);
}

TEST_CASE("a replay prints and stores its scorecard", "[cli]") {
  const Folder here;
  const auto ran = here.run(kQuick + "-o r.h5");
  CHECK_THAT(ran.out, Contains("Scorecard, conditional on realised flows") && Contains("2019-09-24 to 2019-10-03") &&
                          Contains("spread, bp"));
  const auto names = repoquake::io::read_texts(here / "r.h5", "/scores/variable");
  const auto persistence = repoquake::io::read_table(here / "r.h5", "/scores/crps_persistence");
  REQUIRE(names.size() == 10);  // of the observed columns all but effr, which is not in output.variables
  CHECK(names[0] == "spread");
  CHECK(persistence.at(0, 0) == Approx(30.1875));  // by hand, from the series
  CHECK_THAT(here.run("info r.h5").out, Contains("Scores, 2019-09-12 to 2019-10-03, conditional on realised flows"));

  here.write("bare.yaml", "extends: " + std::string(REPOQUAKE_SOURCE_DIR) + "/tests/reject/parents/minimal.yaml\n");
  const auto bare = here.run("run bare.yaml --allow-outside --paths 300 --quiet -o b.h5");
  CHECK(bare.code == 0);
  CHECK(bare.out.find("Scorecard") == std::string::npos);
  CHECK(repoquake::io::read_info(here / "b.h5").find("/scores/crps") == nullptr);
}

TEST_CASE("run --expect holds a run to its scenario, and only then", "[cli]") {
  const Folder here;
  const std::string run = "run " + kSeptember + " --paths 4000 --quiet --force --set output.paths=none -o r.h5 ";
  const auto met = here.run(run + "--expect");
  CHECK(met.code == 0);
  CHECK_THAT(met.out, Contains("7 of 7 met") && !Contains("missed"));

  here.write("false.yaml",
             "expect:\n  - {date: 2019-09-17, variable: sofr, observed: 2.20 %, within: [25 %, 75 %]}\n"
             "  - {date: 2019-09-18, variable: effr, observed: 2.25 %, within: [0 %, 100 %]}\n");
  const auto missed = here.run(run + "--with false.yaml --expect");
  CHECK(missed.code == 77);
  CHECK_THAT(missed.out, Contains("missed"));
  CHECK(repoquake::io::read_info(here / "r.h5").status == "complete");
  CHECK(repoquake::io::read_info(here / "r.h5").find("/stats/effr_mean") != nullptr);  // known though not stored

  const auto ignored = here.run(run + "--with false.yaml");
  CHECK(ignored.code == 0);
  CHECK_THAT(ignored.out, !Contains("missed"));
  // No clearing on most paths comes before a missed expectation.
  CHECK(here.run(run + "--with false.yaml --expect --set 'shocks.tga-build.size=1300 bn USD'").code == 78);
  CHECK_THAT(here.run(run + "--expect --set 'expect=[]'").out, Contains("expects nothing"));
}

TEST_CASE("run prints, stores and is held to metrics", "[cli]") {
  const Folder here;
  here.write("m.yaml",
             "metrics:\n  - {id: peak_spread, unit: \"%\"}\n  - {id: stress, expr: P(days(spread > 25 bp) >= 3)}\n"
             "  - {id: never, expr: sum(basis_sales) / sum(standing_repo)}\n"
             "expect: !clear []\n");
  here.write("met.yaml",
             "expect: [{metric: peak_spread, between: [100 bp, 400 bp]}, {metric: stress, between: [20 %, 1]}]\n");
  here.write("missed.yaml", "expect: [{metric: peak_spread, between: [0 bp, 1 bp]}]\n");
  const std::string run =
      "run " + kSeptember +
      " --paths 2000 --quiet --force --set output.paths=none -o r.h5 --expect --with m.yaml --with ";
  const auto met = here.run(run + "met.yaml");
  CHECK(met.code == 0);
  CHECK_THAT(met.out, Contains("2 of 2 met") && Contains("peak_spread, %") && Contains("between 1 % and 4 %"));
  CHECK_THAT(met.out, Contains("P(days(spread > 25 bp) >= 3)"));
  CHECK(repoquake::io::read_texts(here / "r.h5", "/metrics/unit").front() == "percent");  // merged by id
  CHECK(repoquake::io::read_column(here / "r.h5", "/metrics/value").size() == 5);
  CHECK_THAT(met.out, Contains("no value"));
  CHECK_THAT(here.run("info r.h5").out, Contains("P(days(spread > 25 bp) >= 3)"));
  const auto missed = here.run(run + "missed.yaml");
  CHECK(missed.code == 77);
  CHECK_THAT(missed.out, Contains("0 of 1 met"));
}

TEST_CASE("trace follows a path: text, csv and json agree", "[cli]") {
  const Folder here;
  const std::string trace = "trace " + kSeptember + " --path 7";
  CHECK_THAT(here.run(trace).out, Contains("ledger of reserves") && Contains("2019-09-17"));
  const auto csv = here.run(trace + " --format csv").out;
  CHECK_THAT(csv,
             StartsWith("date,section,name,unit,value\n") && Contains("2019-09-17,ledger,tga,cents,-897600000000"));
  CHECK_THAT(here.run(trace + " --format json").out, Contains("\"tga\": -897600000000"));
  CHECK(here.run(trace + " --format xml").code == 2);
  CHECK(here.run("trace " + kSeptember).code == 2);
}

TEST_CASE("a dry run estimates and writes nothing", "[cli]") {
  const Folder here;
  const auto ran = here.run("run " + kSeptember + " --dry-run --paths 1000000");
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Contains("1000000 of 17 days") && Contains("memory") && Contains("disk") && Contains("time"));
  CHECK_FALSE(fs::exists(here / "output"));
}

TEST_CASE("a default result goes to output/NAME.h5", "[cli]") {
  const Folder here;
  const auto ran = here.run(kQuick);
  CHECK(ran.code == 0);
  CHECK(fs::exists(here / "output/sep-2019.h5"));
  CHECK(here.run(kQuick).code == 74);
}

TEST_CASE("too many path-days without clearing: exit 78, the result is kept", "[cli]") {
  const Folder here;
  // Reserves far below scarcity and no Fed: on many days no rate below 3000 bp clears.
  const std::string starved = " --set 'shocks.tga-build.size=700 bn USD' --set 'policy.repo_operations=[]' ";
  const auto ran = here.run(kQuick + starved + "-o r.h5");
  CHECK(ran.code == 78);
  CHECK_THAT(ran.err, Contains("simulate.max_flagged"));
  CHECK(repoquake::io::read_info(here / "r.h5").status == "complete");
  CHECK(here.run(kQuick + starved + "--set 'simulate.max_flagged=100 %' -o s.h5").code == 0);
}

TEST_CASE("options reach the simulation", "[cli]") {
  const Folder here;
  here.write("more.yaml", "shocks: [{id: tga-build, size: 50 bn USD}]\n");
  REQUIRE(here.run(kQuick + "-o a.h5").code == 0);
  REQUIRE(here.run(kQuick + "-o b.h5 --seed 7").code == 0);
  REQUIRE(here.run(kQuick + "-o c.h5 --with more.yaml").code == 0);
  REQUIRE(here.run(kQuick + "-o d.h5 --set 'shocks.tga-build.size=50 bn USD'").code == 0);
  REQUIRE(here.run(kQuick + "-o e.h5 --threads 3").code == 0);
  const auto mean = [&](const std::string& name) {
    return repoquake::io::read_column(here / name, "/stats/spread_mean");
  };
  CHECK(mean("a.h5") != mean("b.h5"));
  CHECK(mean("a.h5") != mean("c.h5"));
  CHECK(mean("c.h5") == mean("d.h5"));
  CHECK(mean("a.h5") == mean("e.h5"));
  const auto info = repoquake::io::read_info(here / "b.h5");
  CHECK(info.seed == 7);
  CHECK(info.n_paths == 300);
}

TEST_CASE("scenarios, version, info", "[cli]") {
  const Folder here;
  CHECK_THAT(here.run("scenarios").out, Contains("sep_2019") && Contains("September 2019"));
  CHECK(here.run("scenarios sep_2019").out == text_of(kSeptember));
  CHECK(here.run("scenarios data/sep_2019.csv").out ==
        text_of(fs::path(kSeptember).parent_path() / "data/sep_2019.csv"));
  const auto unknown = here.run("scenarios sep_2018");
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, Contains("did you mean \"sep_2019\"?"));
  CHECK_THAT(here.run("version").out, StartsWith("{") && Contains("\"compiler\""));
  REQUIRE(here.run(kQuick + "-o r.h5").code == 0);
  CHECK_THAT(here.run("info r.h5").out,
             Contains("repoquake/result/1") && Contains("complete") && Contains("/stats") && Contains("peak_spread"));
}

TEST_CASE("check reads sweeps, and run says what they are") {
  const Folder folder;
  const std::string sweep = std::string(REPOQUAKE_SOURCE_DIR) + "/tests/sweeps/grid.yaml";
  const auto good = folder.run("check --allow-outside " + sweep + " " + kSeptember);
  CHECK(good.code == 0);
  CHECK(good.out == sweep + ": ok: 45 points of 3 axes, 9 skipped; metrics: p95_peak\n" + kSeptember + ": ok\n");

  folder.write("list.csv", "shocks.tga-build.size\n1 bn USD\n2 bn USD\n");
  folder.write("list.yaml",
               "format: repoquake/sweep/1\nname: x\nbase: lib:sep_2019\ndesign: {kind: list, file: list.csv}\n");
  CHECK_THAT(folder.run("check list.yaml").out,
             StartsWith("list.yaml: ok: 2 points of a list of 1 key, 0 skipped; metrics: "));

  // What only the plan sees, at the value that is to blame.
  folder.write(
      "plan.yaml",
      "format: repoquake/sweep/1\nname: x\nbase: lib:sep_2019\n"
      "override: {shocks: [{id: a, target: tga, date: 2019-09-16, size: {normal: {mean: 0 bn USD, sd: 1 bn USD}}},"
      " {id: b, target: tga, date: 2019-09-16, size: {normal: {mean: 0 bn USD, sd: 1 bn USD}}},"
      " {id: c, target: tga, date: 2019-09-16, size: {normal: {mean: 0 bn USD, sd: 1 bn USD}}}],"
      " correlation: [{between: [a, b], rho: 0.9}, {between: [b, c], rho: 0.9}, {between: [a, c], rho: 0.9}]}\n"
      "axes: [{set: \"correlation[2].rho\", values: [0.9, -0.9]}]\n");
  const auto wrong = folder.run("check plan.yaml");
  CHECK(wrong.code == 65);
  CHECK_THAT(wrong.err, Contains("correlation"));

  const auto ran = folder.run("run " + sweep);
  CHECK(ran.code == 65);
  CHECK_THAT(ran.err, Contains("is a sweep file; a scenario says repoquake/scenario/1") && Contains("1 error"));
}

TEST_CASE("SIGINT leaves a readable partial result and exit code 75", "[cli]") {
  const Folder here;
  const auto ran =
      here.run("run " + kSeptember +
               " --paths 3000000 --quiet -o r.h5 >log.txt 2>&1 & pid=$!; sleep 2; kill -INT $pid; wait $pid");
  CHECK(ran.code == 75);
  CHECK_FALSE(fs::exists(here / "r.h5"));
  const auto info = repoquake::io::read_info(here / "r.h5.partial");
  CHECK(info.status == "interrupted");
  CHECK(info.n_paths > 0);
}
