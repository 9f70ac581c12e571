"""The program is hardened as docs/reliability.md says; read off the file."""

import json
import os
import subprocess
import unittest

PROGRAM = os.environ["REPOQUAKE_PROGRAM"]


def readelf(option):
    return subprocess.run(["readelf", "-W", option, PROGRAM], capture_output=True, text=True, check=True).stdout


SYMBOLS = readelf("--dyn-syms")


@unittest.skipIf("__asan_init" in SYMBOLS or "__tsan_init" in SYMBOLS, "sanitizers bring checks of their own")
class Hardening(unittest.TestCase):
    def test_it_is_position_independent(self):
        self.assertIn("Position-Independent Executable", readelf("--file-header"))

    def test_relocations_are_bound_at_start_and_read_only(self):
        self.assertIn("GNU_RELRO", readelf("--segments"))
        self.assertIn("NOW", readelf("--dynamic"))

    def test_the_stack_is_not_executable_and_is_protected(self):
        stack = next(line for line in readelf("--segments").splitlines() if "GNU_STACK" in line)
        self.assertNotIn("E", stack.split()[-2])
        self.assertIn("__stack_chk_fail", SYMBOLS)

    def test_calls_of_the_c_library_are_checked_in_release(self):
        facts = json.loads(subprocess.run([PROGRAM, "version"], capture_output=True, text=True, check=True).stdout)
        if facts["build_type"] != "Release":
            self.skipTest("_FORTIFY_SOURCE is for release builds")
        self.assertRegex(SYMBOLS, r"__\w+_chk@")


if __name__ == "__main__":
    unittest.main()
