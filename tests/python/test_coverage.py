"""scripts/coverage.py: files are counted to their floor, and a page that promises more than there is fails."""

import os
import pathlib
import sys
import unittest

ROOT = pathlib.Path(os.environ.get("REPOQUAKE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "scripts"))
import coverage  # noqa: E402


def counted(lines, lines_run, branches, branches_run, name="src/core/x.cpp"):
    return {"filename": name, "line_total": lines, "line_covered": lines_run, "branch_total": branches,
            "branch_covered": branches_run}


class Coverage(unittest.TestCase):
    def test_files_count_to_their_floor(self):
        floors, total = coverage.by_floor([counted(100, 80, 50, 20), counted(10, 10, 0, 0, "include/repoquake/model/x.hpp"),
                                           counted(30, 15, 10, 10, "src/model/x.cpp")])
        self.assertEqual((80.0, 40.0), floors["core"].shares())
        self.assertEqual((62.5, 100.0), floors["model"].shares())
        self.assertEqual((75.0, 50.0), total.shares())
        rows = coverage.table(floors, total).splitlines()
        self.assertIn("| core | 80.0 % | 100 | 40.0 % | 50 |", rows)
        self.assertEqual("| **all** | 75.0 % | 140 | 50.0 % | 60 |", rows[-1])

    def test_the_pages_state_one_figure_and_a_drop_is_told(self):
        lines, branches = map(float, coverage.FIGURE.search(coverage.README.read_text(encoding="utf-8")).groups())

        def told(more_lines, more_branches):
            return coverage.complaints((lines + more_lines, branches + more_branches))

        self.assertEqual([], told(0, 0))
        self.assertEqual([], told(-0.9, 5))
        self.assertRegex(told(-1.1, 0)[0], "% of lines; README.md says")
        self.assertRegex(told(0, -1.1)[0], "% of branches; README.md says")


if __name__ == "__main__":
    unittest.main()
