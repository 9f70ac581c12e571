"""A run without paths needs the memory of its statistics, however many paths there are."""

import functools
import os
import pathlib
import resource
import subprocess
import tempfile
import unittest

import program_case


class Memory(unittest.TestCase):
    def peak_of(self, paths, *settings):
        """The largest resident size of a run, in kB."""
        with tempfile.TemporaryDirectory() as folder:
            words = [program_case.PROGRAM, "run", program_case.SEPTEMBER, "--quiet", "--threads", "1", "--paths", paths]
            words += ["--output", pathlib.Path(folder) / "a.h5"]
            for setting in settings:
                words += ["--set", setting]
            process = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            return used.ru_maxrss

    @unittest.skipIf(program_case.SANITIZED, "sanitizers keep memory of their own")
    def test_does_not_grow_with_the_paths(self):
        few, many = (self.peak_of(paths, "output.paths=none") for paths in (10_000, 200_000))
        self.assertLess(many, 1.2 * few)

    @unittest.skipIf(program_case.SANITIZED, "sanitizers keep memory of their own")
    def test_control_paths_that_are_held_back_are_seen(self):
        """control: the worst paths wait in memory for the end of the run."""
        few, many = (self.peak_of(paths, f"output.paths={{worst: {{count: {paths}, by: max(spread)}}}}") for paths in (2_000, 20_000))
        self.assertGreater(many, 1.2 * few)

    @unittest.skipIf(program_case.SANITIZED, "sanitizers map all memory there is")
    def test_that_is_missing_is_an_error_wherever_it_ends(self):
        """Limits of the address space a quarter of a megabyte apart, from where the program can start on."""
        def code_of(limit, *words):
            limits = functools.partial(resource.setrlimit, resource.RLIMIT_AS, (limit, limit))
            return subprocess.run([program_case.PROGRAM, *map(str, words)], preexec_fn=limits, check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

        with tempfile.TemporaryDirectory() as folder:
            run = ["run", program_case.SEPTEMBER, "--paths", 20_000, "--threads", 2, "--quiet", "--force"]
            run += ["--output", pathlib.Path(folder) / "a.h5"]
            low, high = 8 << 20, 1 << 30
            while high - low > 1 << 20:
                middle = (low + high) // 2
                low, high = (low, middle) if code_of(middle, *run, "--dry-run") == 0 else (middle, high)
            codes = {code_of(high + (step << 18), *run) for step in range(32)}
        self.assertIn(70, codes)
        self.assertLessEqual(codes, {0, 70})


if __name__ == "__main__":
    unittest.main()
