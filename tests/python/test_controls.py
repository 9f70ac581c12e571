"""Every statistical test has a negative control, and scripts/test.sh --list-controls prints them all.

A control is a Catch2 SECTION or TEST_CASE whose name begins with "control: ". A test case has one if it contains such a
section, is one, or is followed by one.
"""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(os.environ.get("REPOQUAKE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
CASE = re.compile(r'^TEST_CASE\(\s*"((?:[^"\\]|\\.)*)"(?:\s*,\s*"([^"]*)")?', re.MULTILINE)
CONTROL = re.compile(r'\b(?:TEST_CASE|SECTION)\(\s*"control: ([^"]+)"')


def without_control(text, every_case):
    """Names of the test cases of a source that should have a control and have none."""
    cases = list(CASE.finditer(text))
    ends = [case.start() for case in cases[1:]] + [len(text)]
    missing = []
    for place, case in enumerate(cases):
        name, tags = case.group(1), case.group(2) or ""
        if not (every_case or "[statistical]" in tags):
            continue
        following = cases[place + 1].group(1) if place + 1 < len(cases) else ""
        if not CONTROL.search(text, case.start(), ends[place]) and not following.startswith("control: "):
            missing.append(name)
    return missing


class Controls(unittest.TestCase):
    def test_every_statistical_test_has_one(self):
        directories = (ROOT / "tests/statistical", ROOT / "tests/replay")
        seen = 0
        for path in sorted((ROOT / "tests").rglob("*_test.cpp")):
            text = path.read_text(encoding="utf-8")
            every_case = path.parent in directories
            seen += every_case
            with self.subTest(path.relative_to(ROOT)):
                self.assertEqual(without_control(text, every_case), [])
        self.assertGreaterEqual(seen, 8)

    def test_a_test_without_one_is_found(self):
        bare = 'TEST_CASE("bare", "[statistical]") {\n  CHECK(true);\n}\n'
        inside = 'TEST_CASE("inside", "[statistical]") {\n  SECTION("control: a") { CHECK(true); }\n}\n'
        beside = 'TEST_CASE("control: beside", "[control]") {\n  CHECK(true);\n}\n'
        exact = 'TEST_CASE("exact", "[model]") {\n}\n'
        self.assertEqual(without_control(inside + bare + exact, False), ["bare"])
        self.assertEqual(without_control(bare + beside + exact, False), [])
        self.assertEqual(without_control(exact, True), ["exact"])
        self.assertEqual(without_control(bare.replace("CHECK", 'INFO("control: not a section"); CHECK'), False), ["bare"])

    def test_the_list_is_complete(self):
        listed = subprocess.run([ROOT / "scripts/test.sh", "--list-controls"], cwd="/", check=True, capture_output=True,
                                text=True).stdout.splitlines()
        found = 0
        for path in (ROOT / "tests").rglob("*_test.cpp"):
            found += len(CONTROL.findall(path.read_text(encoding="utf-8")))
        self.assertEqual(listed.pop(), f"{found} controls")
        self.assertEqual(len(listed), found)
        self.assertGreater(found, 30)
        for line in listed:
            file, number, name = line.split(":", 2)
            source = (ROOT / file).read_text(encoding="utf-8").splitlines()
            self.assertIn(f'"control: {name.strip()}"', source[int(number) - 1])
        for directory in ("tests/statistical/", "tests/replay/"):
            self.assertTrue(any(line.startswith(directory) for line in listed), directory)


if __name__ == "__main__":
    unittest.main()
