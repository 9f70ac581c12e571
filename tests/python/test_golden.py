"""The golden summaries: a small run of every scenario of the library gives the committed figures, digit by digit."""

import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"])
PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
sys.path.insert(0, str(ROOT / "scripts"))
import golden_summaries  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"


class GoldenSummaries(unittest.TestCase):
    def test_every_scenario_has_one(self):
        scenarios = {path.stem for path in (ROOT / "scenarios").glob("*.yaml")}
        self.assertEqual(scenarios, {path.name for path in GOLDEN.iterdir()})

    def test_a_run_gives_it_again(self):
        for scenario in sorted((ROOT / "scenarios").glob("*.yaml")):
            with self.subTest(scenario.stem), tempfile.TemporaryDirectory() as folder:
                made = pathlib.Path(folder) / "summary.csv"
                golden_summaries.write_summary(PROGRAM, scenario, made)
                expected = (GOLDEN / scenario.stem / "summary.csv").read_text().splitlines()
                differing = [f"{a}   instead of   {b}" for a, b in zip(made.read_text().splitlines(), expected) if a != b]
                self.assertEqual(len(made.read_text().splitlines()), len(expected))
                self.assertEqual([], differing[:5], "look, then scripts/update_golden.sh")

    def test_another_seed_would_be_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            overlay = pathlib.Path(folder) / "sep_2019.yaml"
            overlay.write_text("format: repoquake/scenario/1\nname: other-seed\n"
                               f"extends: ['{os.path.relpath(ROOT / 'scenarios' / 'sep_2019.yaml', folder)}']\n"
                               "simulate: {seed: 7}\n")
            made = pathlib.Path(folder) / "summary.csv"
            golden_summaries.write_summary(PROGRAM, overlay, made)
            self.assertNotEqual(made.read_text(), (GOLDEN / "sep_2019" / "summary.csv").read_text())


if __name__ == "__main__":
    unittest.main()
