"""`kill -9` at any moment leaves the earlier result untouched, and `info` explains what is left of the new one.

REPOQUAKE_KILLS sets the number of kills; when it is not set there are 25, or fewer on a slow machine.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

import h5py

from program_case import INTERNAL, PROGRAM, SEPTEMBER, ProgramCase, digest, wait_until

KILLS = os.environ.get("REPOQUAKE_KILLS")
SECONDS = 3.0
PATHS = 5000  # a few chunks; a quarter of a second or so
SEED = 20190917


def info(path):
    return subprocess.run([PROGRAM, "info", str(path)], capture_output=True, text=True, check=False)


class Case(ProgramCase):
    """An earlier result X.h5 with 300 paths, in a folder of its own."""

    outside = ("run",)

    def setUp(self):
        super().setUp()
        self.result, self.partial = self.folder / "X.h5", self.folder / "X.h5.partial"
        self.run_through(300)
        self.earlier = digest(self.result)

    def words(self, paths, *words, output="X.h5"):
        return ["run", SEPTEMBER, "--paths", paths, "--threads", 2, "--force", "--output", output, *words]

    def run_through(self, paths):
        self.assertEqual("", self.tool(*self.words(paths, "--quiet")).stderr)
        self.assertFalse(self.partial.exists())
        self.assert_complete(paths)

    def assert_complete(self, paths):
        with h5py.File(self.result) as file:
            self.assertEqual(("complete", paths), (file.attrs["status"], file.attrs["n_paths"]))
            self.assertEqual(paths, file["paths/path"][-1] + 1)
        done = info(self.result)
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def kill(self, run):
        """False if it had ended by then."""
        said = run.kill()
        self.assertIn(run.returncode, (0, -signal.SIGKILL), said)
        self.assertNotRegex(said, INTERNAL)
        return run.returncode != 0

    def assert_untouched(self, paths_if_replaced):
        """The earlier bytes; or, where the run was quicker than the kill, all of the new ones."""
        if digest(self.result) != self.earlier:
            self.assert_complete(paths_if_replaced)
            self.earlier = digest(self.result)

    def assert_explained(self, path):
        """Whatever is left, `info` ends on its own and says something for people; returns all it says."""
        done = info(path)
        said = done.stdout + done.stderr
        self.assertIn(done.returncode, (0, 65), said)
        self.assertIn(str(path), said)
        self.assertNotRegex(said, INTERNAL)
        self.assertEqual(done.returncode == 65, done.stdout == "", said)
        return said

    def assert_says(self, said, **patterns):
        """One failure that lists all that is missing."""
        missing = [name for name, pattern in patterns.items() if not re.search(pattern, said, re.IGNORECASE)]
        self.assertEqual([], missing, f"not said; instead:\n{said[:900]}")


class KilledAtAnyMoment(Case):
    """Every second kill comes to a run that stands still with some paths written, the others at moments of chance."""

    def setUp(self):
        super().setUp()
        begin = time.monotonic()
        self.tool(*self.words(PATHS, "--quiet", output="measured.h5"))
        self.duration = time.monotonic() - begin

    def kill_soon(self, chance, k):
        if k % 2 == 0:
            run = self.hold(*self.words(PATHS), room=chance.randrange(150))  # of some 200 that it has to say
            wait_until(self.partial.exists, run)
            time.sleep(self.duration * chance.uniform(0.0, 0.3))
        else:  # the beginning, the middle and the end in turn: files are torn most where they begin and end
            run = self.hold(*self.words(PATHS), room=4096)
            low, high = ((0.0, 0.1), (0.0, 1.0), (0.8, 1.1))[k // 2 % 3]
            time.sleep(self.duration * chance.uniform(low, high))
        return self.kill(run)

    def test_the_earlier_result_is_untouched_and_what_is_left_is_explained(self):
        chance = random.Random(SEED)
        end = time.monotonic() + (SECONDS if KILLS is None else float("inf"))
        n_kills = n_in_time = n_left = 0
        for k in range(int(KILLS or 25)):
            if k >= 8 and time.monotonic() > end:
                break
            with self.subTest(kill=k):
                n_kills += 1
                n_in_time += self.kill_soon(chance, k)
                self.assert_untouched(PATHS)
                if self.partial.exists():
                    self.assert_explained(self.partial)
                    n_left += 1
                if k % 5 == 4:  # it can be run again, over whatever was left
                    self.run_through(200 + k)
                    self.earlier = digest(self.result)
        self.assertGreaterEqual(n_in_time, n_kills // 2)
        self.assertGreaterEqual(n_left, n_kills // 2)
        if KILLS:
            print(f"{n_kills} kills, {n_in_time} before the end; {n_left} left a partial file")

    def test_control_a_program_that_writes_in_place_is_found_out(self):
        careless = "import sys; open(sys.argv[1], 'r+b', 0).write(b'torn')"
        subprocess.run([sys.executable, "-c", careless, str(self.result)], check=True)
        with self.assertRaises((AssertionError, OSError)):
            self.assert_untouched(PATHS)


class WhatInfoSays(Case):
    """The states that a kill can leave, each made on purpose."""

    KILLED = r"was killed|still going"
    UNTOUCHED = r"X\.h5 (is|was left|stays) untouched|X\.h5 is (an )?earlier"
    AGAIN = r"--force"

    def leave_torn(self):
        """Kills a run that has written half of its chunks, and some of what lies between them."""
        run = self.hold(*self.words(PATHS), room=100)
        wait_until(lambda: self.partial.exists() and self.partial.stat().st_size > 400_000, run)
        self.assertTrue(self.kill(run))
        self.assertEqual(self.earlier, digest(self.result))

    def test_killed_with_some_paths_written(self):
        self.leave_torn()
        said = self.assert_explained(self.partial)
        self.assert_says(said, status="incomplete", killed=self.KILLED, holds=r"\b(no|\d+) (whole )?paths\b",
                         untouched=self.UNTOUCHED, again=self.AGAIN)

    def test_export_makes_no_rows_of_paths_that_are_not_there(self):
        self.leave_torn()
        for table in ("paths", "summary"):
            with self.subTest(table):
                done = subprocess.run([PROGRAM, "export", str(self.partial), table], capture_output=True, text=True,
                                      check=False)
                self.assertLessEqual(len(done.stdout.splitlines()), 1, done.stdout[:300])
                self.assertIn("incomplete", done.stderr)

    def test_killed_before_anything_was_written(self):
        for content in (b"", bytes(8208)):  # before and after the library has reserved the head of its file
            with self.subTest(len(content)):
                self.partial.write_bytes(content)
                said = self.assert_explained(self.partial)
                self.assert_says(said, killed=self.KILLED, holds=r"\b(no|0) paths|nothing|cannot be (opened|read)",
                                 untouched=self.UNTOUCHED, again=self.AGAIN)

    def test_cut_off_by_a_crash_of_the_machine(self):
        self.leave_torn()
        os.truncate(self.partial, 30_000)
        said = self.assert_explained(self.partial)
        self.assert_says(said, torn="truncated|cannot be (opened|read)", killed=self.KILLED, untouched=self.UNTOUCHED,
                         again=self.AGAIN)

    def test_killed_between_the_last_byte_and_the_new_name(self):
        shutil.copy(self.result, self.partial)
        said = self.assert_explained(self.partial)
        self.assert_says(said, status="complete", holds=r"\b300 paths", name="rename|its name",
                         untouched=self.UNTOUCHED)

    def test_nothing_is_untouched_where_nothing_was(self):
        self.leave_torn()
        self.result.unlink()
        self.assertNotRegex(self.assert_explained(self.partial), self.UNTOUCHED)

    def test_a_run_that_is_going_on(self):
        run = self.hold(*self.words(PATHS))
        wait_until(self.partial.exists, run)
        wait_until(lambda: info(self.partial).returncode == 74, run)  # a file is there a moment before it is locked
        told = info(self.partial)
        self.assertEqual((74, ""), (told.returncode, told.stdout))
        self.assertRegex(told.stderr, r"X\.h5\.partial: is being written by a running process\n$")
        run.let_go()
        self.assertEqual(0, run.returncode)
        self.assert_complete(PATHS)

    def test_a_whole_result_is_not_called_torn(self):
        said = self.assert_explained(self.result)
        for pattern in (self.KILLED, self.UNTOUCHED, "incomplete", "rename"):
            self.assertNotRegex(said, pattern)

    def test_controls_what_would_not_do(self):
        for said in ("terminate called after throwing an instance of 'x'", "HDF5-DIAG: Error detected in HDF5 (1.10.8)",
                     "  #000: H5F.c line 1 in H5Fopen(): unable to open file", "std::bad_alloc"):
            self.assertRegex(said, INTERNAL)
        with self.assertRaisesRegex(AssertionError, "again"):
            self.assert_says("killed", killed="killed", again=self.AGAIN)


if __name__ == "__main__":
    unittest.main()
