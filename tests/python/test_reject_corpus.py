"""The rejected scenario files cover every class of failure, none too much. That each is answered with exactly its
message is checked where the reader is: tests/unit/io/scenario_yaml_test.cpp."""
import collections
import os
import pathlib
import unittest

ROOT = pathlib.Path(os.environ.get("REPOQUAKE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
CORPUS = ROOT / "tests/reject"
CLASSES = (
    "unknown", "duplicate", "unit_missing", "unit_wrong", "range", "type", "date", "reference", "merge", "cycle",
    "limit", "encoding", "expression", "series",
)
LEAST_FILES = 100
LEAST_OF_A_CLASS = 3
LARGEST_SHARE = 0.15


def names(suffix):
    return {path.stem for path in CORPUS.glob("*" + suffix)}


def class_of(name):
    """The first word of the name; unit_missing and unit_wrong are two classes. Files beyond the 14 have their own."""
    return next((kind for kind in CLASSES if name.startswith(kind + "_")), name.split("_")[0])


class RejectCorpus(unittest.TestCase):
    def setUp(self):
        self.scenarios = names(".yaml")
        self.count = collections.Counter(map(class_of, self.scenarios))

    def test_is_large_enough(self):
        self.assertGreaterEqual(len(self.scenarios), LEAST_FILES)

    def test_every_class_is_there(self):
        too_few = {kind: self.count[kind] for kind in CLASSES if self.count[kind] < LEAST_OF_A_CLASS}
        self.assertEqual(too_few, {})

    def test_no_class_prevails(self):
        most = LARGEST_SHARE * len(self.scenarios)
        self.assertEqual({kind: count for kind, count in self.count.items() if count > most}, {})

    def test_every_scenario_has_its_message_and_every_message_its_scenario(self):
        self.assertEqual(self.scenarios, names(".expected"))

    def test_every_message_is_of_an_error(self):
        for name in sorted(self.scenarios):
            with self.subTest(name):
                self.assertIn(b": error: ", (CORPUS / f"{name}.expected").read_bytes())


if __name__ == "__main__":
    unittest.main()
