"""Schema and reference page are what the program writes; the schema accepts every scenario of the library and refuses slips."""

import json
import os
import pathlib
import re
import subprocess
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"])
PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
SCHEMA = ROOT / "schema" / "scenario.schema.json"
SWEEP_SCHEMA = ROOT / "schema" / "sweep.schema.json"


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False)


class ScenarioLoader(yaml.SafeLoader):
    """YAML as an editor's language server sees it: dates are texts, `!clear` is the value it stands before."""


def cleared(loader, _suffix, node):
    build = {yaml.MappingNode: loader.construct_mapping, yaml.SequenceNode: loader.construct_sequence}
    return build[type(node)](node, deep=True) if type(node) in build else loader.construct_scalar(node)


ScenarioLoader.add_multi_constructor("!clear", cleared)
ScenarioLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def load(text):
    return yaml.load(text, ScenarioLoader)


class Language(unittest.TestCase):
    def setUp(self):
        self.validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))

    def errors(self, text):
        return [f"{list(error.path)}: {error.message[:200]}" for error in self.validator.iter_errors(load(text))]

    def test_schema_and_reference_are_in_step_with_the_reader(self):
        hint = "repoquake schema > schema/scenario.schema.json; repoquake schema --format markdown > docs/scenario_reference.md"
        self.assertEqual(run("schema").stdout, SCHEMA.read_text(), hint)
        self.assertEqual(run("schema", "--format", "markdown").stdout,
                         (ROOT / "docs" / "scenario_reference.md").read_text(), hint)

    def test_schema_and_reference_of_sweeps_are_in_step_with_the_reader(self):
        hint = "repoquake schema sweep > schema/sweep.schema.json; repoquake schema sweep --format markdown > docs/sweep_reference.md"
        self.assertEqual(run("schema", "sweep").stdout, SWEEP_SCHEMA.read_text(), hint)
        self.assertEqual(run("schema", "--sweep").stdout, SWEEP_SCHEMA.read_text(), hint)
        self.assertEqual(run("schema", "sweep", "--format", "markdown").stdout,
                         (ROOT / "docs" / "sweep_reference.md").read_text(), hint)

    def test_every_key_has_a_row_with_a_meaning(self):
        for page, least in (("scenario_reference.md", 250), ("sweep_reference.md", 35)):
            rows = re.findall(r"^\| `([^`]+)` \| (.*) \| (.*) \| (.*) \|$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
            self.assertGreater(len(rows), least)
            self.assertEqual([], [row[0] for row in rows if not row[3].strip() or not row[1].strip()])

    def test_the_schema_is_one_and_accepts_the_library(self):
        jsonschema.Draft7Validator.check_schema(json.loads(SCHEMA.read_text()))
        sweeps = set((ROOT / "scenarios" / "sweeps").glob("*.yaml"))
        for path in sorted(set((ROOT / "scenarios").glob("**/*.yaml")) - sweeps):
            with self.subTest(path.name):
                self.assertEqual([], self.errors(path.read_text()))

    def test_the_schema_refuses_slips(self):
        head = "format: repoquake/scenario/1\nname: x\nextends: [a.yaml]\n"
        self.assertEqual([], self.errors(head + "market: {need: hold}\n"))
        for slip in ("markt: {}", "market: {need: held}", "market: {gdp: 21000}", "market: {gdp: 21000 bp}",
                     "shocks: [{target: tga}]", "shocks: [{id: a, date: tax-day}]", "policy: {rules: {runoff: {}}}",
                     "policy: {standing_repo: {enabled: 1}}", "output: {paths: some}"):
            with self.subTest(slip):
                self.assertNotEqual([], self.errors(head + slip + "\n"))
        self.assertNotEqual([], self.errors("format: repoquake/scenario/1\nname: x\n"))  # neither parents nor a world

    def test_the_schema_of_sweeps_accepts_sweeps_and_refuses_slips(self):
        jsonschema.Draft7Validator.check_schema(json.loads(SWEEP_SCHEMA.read_text()))
        self.validator = jsonschema.Draft7Validator(json.loads(SWEEP_SCHEMA.read_text()))
        folders = (ROOT / "tests" / "sweeps", ROOT / "scenarios" / "sweeps")
        for path in sorted(path for folder in folders for path in folder.glob("*.yaml")):
            with self.subTest(path.name):
                self.assertEqual([], self.errors(path.read_text()))
        head = "format: repoquake/sweep/1\nname: x\nbase: lib:sep_2019\n"
        axes = "axes: [{set: simulate.seed, values: [1, 2]}]\n"
        self.assertEqual([], self.errors(head + axes + "override: {simulate: {paths: 10}}\n"))
        for slip in ("axes: [{set: a, valus: [1]}]", "axes: [{set: a, grid: {from: 1, to: 2, steps: two}}]", "axes: {}", "",
                     "design: {kind: halton}", axes + "on_error: go", axes + "design: {kind: lhs, samples: 3}",
                     axes + "metrics: [{expr: mean(max(sofr))}]", axes + "skipif: a > 1"):
            with self.subTest(slip):
                self.assertNotEqual([], self.errors(head + slip + "\n"))

    def test_explain_names_the_place_of_every_value(self):
        shown = run("explain", ROOT / "scenarios" / "sep_2019_standing_repo_15bp.yaml")
        self.assertEqual(0, shown.returncode, shown.stderr)
        self.assertRegex(shown.stdout, r"policy\.standing_repo\.stigma: +15 bp +# .*sep_2019_standing_repo_15bp\.yaml:\d+")
        self.assertRegex(shown.stdout, r"market\.opening_spread: +5 bp +# .*sep_2019\.yaml:\d+")
        self.assertRegex(shown.stdout, r"simulate\.sampler: +philox +# default")
        places = [line.rsplit("# ", 1)[-1] for line in shown.stdout.splitlines()]
        self.assertEqual([], [place for place in places if place != "default" and not re.search(r":\d+$", place)])

    def test_explain_of_a_key_and_of_a_difference(self):
        scenario = ROOT / "scenarios" / "sep_2019.yaml"
        one = run("explain", scenario, "market.need").stdout
        self.assertIn("market.need:  invert  # default", one)
        self.assertIn("allowed" if "allowed" in one else "default: invert", one)
        slip = run("explain", scenario, "market.ned")
        self.assertEqual(2, slip.returncode)
        self.assertIn('did you mean "market.need"?', slip.stderr)
        difference = run("explain", scenario, "--diff", ROOT / "scenarios" / "sep_2019_standing_repo_15bp.yaml").stdout
        self.assertRegex(difference, r"\+ policy\.standing_repo\.stigma: 15 bp  # .*:\d+")
        self.assertEqual("0 differences\n", run("explain", scenario, "--diff", scenario).stdout)

    def test_the_library_stands_for_files(self):
        self.assertEqual("lib:fall_2025: ok\n", run("check", "lib:fall_2025").stdout)
        missing = run("check", "lib:fall_2024")
        self.assertEqual(74, missing.returncode)
        self.assertIn("the built-in library has no file fall_2024.yaml", missing.stderr)

    def test_check_speaks_json(self):
        wrong = run("check", ROOT / "tests" / "reject" / "type_choice.yaml", "--format", "json")
        self.assertEqual(65, wrong.returncode)
        report = json.loads(wrong.stdout)
        self.assertEqual(("repoquake/check/1", 4), (report["format"], report["errors"]))
        self.assertEqual({"file", "line", "column", "width", "severity", "key", "reason", "hint"}, set(report["findings"][0]))
        right = json.loads(run("check", "lib:sep_2019", "--format", "json").stdout)
        self.assertEqual((0, 0, []), (right["errors"], right["warnings"], right["findings"]))

    def test_completions_know_every_verb(self):
        verbs = set(re.findall(r"^  ([a-z]+) ", run("--help").stdout.split("Subcommands:")[-1], re.MULTILINE))
        self.assertGreater(len(verbs), 8)
        for shell in ("bash", "zsh", "fish"):
            script = run("completions", shell).stdout
            self.assertEqual(set(), {verb for verb in verbs if verb not in script})
        self.assertEqual(0, subprocess.run(["bash", "-n"], input=run("completions", "bash").stdout, text=True).returncode)


if __name__ == "__main__":
    unittest.main()
