"""What tests of the program share: a folder of their own and the program run in it."""

import os
import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
ROOT = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"])
SCENARIOS = ROOT / "scenarios"
SEPTEMBER = SCENARIOS / "sep_2019.yaml"


class ProgramCase(unittest.TestCase):
    outside = ()  # verbs whose scenarios are elsewhere

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def tool(self, *words, code=0):
        if words[0] in self.outside:
            words = (*words, "--allow-outside")
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False, cwd=self.folder)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done
