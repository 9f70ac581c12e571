"""`run --resume`: whatever ended a run, the finished file is that of a run that was never interrupted, byte by byte.

REPOQUAKE_KILLS sets the number of kills; when it is not set there are 25, or fewer on a slow machine.
"""

import itertools
import os
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import time
import unittest
import zlib

import h5py

from program_case import INTERNAL, PROGRAM, ROOT, SANITIZED, SEPTEMBER, ProgramCase, contents, digest, wait_until

KILLS = os.environ.get("REPOQUAKE_KILLS")
SECONDS = 3.0
SEED = 20190917
OFTEN = ("--checkpoint-every", "0s")  # after every chunk


# Four days of September 2019: quick, with all that a run can write.
SCENARIO = f"""\
format: repoquake/scenario/1
name: four-days
extends: [{SEPTEMBER}]
window: {{start: 2019-09-11, end: 2019-09-16}}
series: {{file: four_days.csv, sha256: null}}
policy: {{repo_operations: !clear []}}
expect: !clear []
output: {{variables: [spread, reserves]}}
"""


class Case(ProgramCase):
    outside = ("run",)

    def setUp(self):
        super().setUp()
        self.result, self.partial = self.folder / "X.h5", self.folder / "X.h5.partial"
        self.checkpoint, self.resuming = self.folder / "X.h5.checkpoint", self.folder / "X.h5.resuming"
        self.scenario, self.series = self.folder / "four_days.yaml", self.folder / "four_days.csv"
        self.scenario.write_text(SCENARIO)
        lines = (ROOT / "scenarios" / "data" / "sep_2019.csv").read_text().splitlines(keepends=True)
        self.series.write_text("".join(line for line in lines if not "2019-09-17" <= line[:10] < "2020"))

    def words(self, *words, output=None, threads=2):
        return ["run", self.scenario, "--threads", threads, "--output", output or self.result, *words]

    def run_it(self, *words, code=0, threads=2):
        return self.tool(*self.words(*words, threads=threads), code=code)

    def hold_it(self, *words, room=0, threads=2):
        return self.hold(*self.words(*words, threads=threads), room=room)

    def whole(self, *words):
        """What the run gives that nothing interrupts."""
        path = self.folder / "whole.h5"
        self.assertEqual("", self.tool(*self.words("--quiet", "--force", *words, output=path, threads=1)).stderr)
        return contents(path)

    def interrupt_after_a_chunk(self, *words, threads=1, code=75):
        """A wall time that is over at once: a chunk or two for each thread."""
        return self.run_it("--wall-time", "0s", *words, threads=threads, code=code).stderr

    def reached(self):
        """Paths that the checkpoint reaches; 0 where there is none, which may change while a run is looked at."""
        done = subprocess.run([PROGRAM, "info", str(self.checkpoint)], capture_output=True, text=True, check=False)
        found = re.search(r"reaches (\d+) of", done.stdout)
        return int(found[1]) if found else 0

    def assert_finished(self, expected):
        self.assertEqual(["X.h5"], sorted(p.name for p in self.folder.iterdir() if p.name.startswith("X.")))
        self.assert_same_contents(expected, contents(self.result))

    def info(self, path=None):
        done = subprocess.run([PROGRAM, "info", str(path or self.partial)], capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 65, 74))
        return done.stdout + done.stderr


class SameBytes(Case):
    """Interrupted after some chunks, gone on with another number of threads, for all that a run can write."""

    N = 4300  # five chunks, the last one short

    def check(self, *settings, paths=N):
        words = ["--paths", paths, "--quiet"]
        for setting in settings:
            words += ["--set", setting]
        expected = self.whole(*words)
        self.interrupt_after_a_chunk(*words)
        self.run_it("--resume", *words, threads=3)
        self.assert_finished(expected)

    def test_all_paths(self):
        self.check()

    def test_no_paths(self):
        self.check("output.paths=none")

    def test_without_compression(self):
        self.check("output.compression=none")

    def test_a_sample_that_ends_inside_a_chunk(self):
        self.check("output.paths={sample: 1500}")

    def test_the_worst_paths(self):
        self.check("output.paths={sample: 1100, worst: {count: 300, by: max(sofr - iorb)}}")

    def test_a_sample_that_is_over_before_the_interruption(self):
        self.check("output.paths={sample: 100, worst: {count: 20, by: max(sofr - iorb)}}")

    def test_a_summary_of_all(self):
        self.check("output.paths={sample: 1500}", "output.summary=all")

    def test_all_variables_exact(self):
        self.check("output.variables=all", "output.precision=exact")

    def test_metrics_of_every_kind(self):
        self.check("metrics=[{id: a, expr: 'sd(max(sofr - iorb))', unit: bp}, "
                   "{id: b, expr: 'es(max(sofr - iorb), 95 %)', unit: bp}, "
                   "{id: c, expr: 'quantile(min(reserves), 5 %)', unit: bn USD}, "
                   "{id: d, expr: 'P(max(sofr - effr) > 75 bp)'}]")

    def test_events_of_policy_rules(self):
        self.check("policy.repo_operations=[]", "policy.rules={emergency_repo: {trigger: 30 bp}}", "output.paths={sample: 1500}",
                   "output.summary=all")

    def test_paths_that_depend_on_each_other(self):
        self.check("simulate.antithetic=true", "output.paths=none")
        self.result.unlink()
        self.check("simulate.sampler=sobol", "output.paths={sample: 1500}", paths=4096)

    def test_a_single_chunk(self):
        expected = self.whole("--paths", 700, "--quiet")
        self.interrupt_after_a_chunk("--paths", 700, "--quiet", code=0)
        self.assert_finished(expected)

    def test_interrupted_again_and_again(self):
        words = ["--paths", 11500, "--quiet"]  # from the ninth chunk on not every one leaves a record of convergence
        expected = self.whole(*words)
        n = 0
        self.interrupt_after_a_chunk(*words)
        while self.partial.exists():
            n += 1
            self.assertLess(n, 20, "a wall time that is over makes no progress")
            self.run_it("--resume", "--wall-time", "0s", *words, threads=1 + n % 3, code=(0, 75))
        self.assertGreater(n, 1)
        self.assert_finished(expected)

    def test_a_run_that_stops_when_it_has_settled(self):
        # Settled well before the end, and after the first interruption.
        words = ["--paths", 30000, "--quiet", "--set", "output.paths={sample: 3000}", "--set",
                 "simulate.stop={metric: peak_spread, half_width: 2 bp, min_paths: 1}"]
        expected = self.whole(*words)
        with h5py.File(self.folder / "whole.h5") as file:
            self.assertEqual("settled", file.attrs["stop_reason"])
            self.assertLess(3 * 1024, file.attrs["n_paths"])
        self.interrupt_after_a_chunk(*words)
        self.run_it("--resume", *words)
        self.assert_finished(expected)

    def test_a_run_that_had_settled_is_not_gone_on_with(self):
        words = ["--paths", 30000, "--quiet", "--set", "simulate.stop={metric: peak_spread, half_width: 2.4 bp, min_paths: 1}"]
        expected = self.whole(*words)
        with h5py.File(self.folder / "whole.h5") as file:
            n = file.attrs["n_paths"]
        words.remove("--quiet")
        self.stop_before_the_new_name(*words)
        self.assertIn(f"resuming after {n} of 30000 paths", self.run_it("--resume", *words).stderr)
        self.assert_finished(expected)

    def stop_before_the_new_name(self, *words):
        """What a kill leaves that comes after the last chunk: another file takes the name meanwhile."""
        run = self.hold_it(*OFTEN, *words)
        wait_until(self.partial.exists, run)
        self.result.write_text("another's")
        self.assertIn("appeared during the run", run.let_go())
        self.assertEqual((74, "another's"), (run.returncode, self.result.read_text()))
        self.result.unlink()

    def test_expectations_are_checked_at_the_end(self):
        self.interrupt_after_a_chunk("--paths", self.N, "--expect")
        said = self.run_it("--paths", self.N, "--expect", "--resume").stdout
        self.assertRegex(said, r"(?i)expect")

    def test_from_a_result(self):
        self.whole("--paths", self.N, "--quiet")
        words = ["run", "--from", "whole.h5", "--quiet", "--threads", "1", "-o"]
        self.tool(*words, "again.h5")
        self.tool(*words, self.result, "--wall-time", "0s", code=75)
        self.tool(*words, self.result, "--resume")
        self.assert_finished(contents(self.folder / "again.h5"))

    def test_after_a_disk_was_full(self):
        words = ["--paths", self.N, "--quiet", *OFTEN]
        expected = self.whole(*words)
        limit = (self.folder / "whole.h5").stat().st_size // 2
        full = subprocess.run([PROGRAM, *self.words_of(self.words(*words))], cwd=self.folder, capture_output=True, text=True, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(74, full.returncode, full.stderr)
        self.assertGreater(self.reached(), 0)
        self.run_it("--resume", *words)
        self.assert_finished(expected)

    def test_a_run_that_is_not_resumed_says_what_it_drops(self):
        self.whole("--paths", self.N)
        for words, consequence in (((), "; --resume would have gone on with them"), (("--seed", 99), "")):
            with self.subTest(words):
                self.interrupt_after_a_chunk("--paths", self.N)
                done = self.reached()
                said = self.run_it("--paths", self.N, *words).stderr
                self.assertIn(f"X.h5.partial: {done} of {self.N} paths of an interrupted run are dropped{consequence}\n", said)
                self.result.unlink()
                self.assertNotIn("dropped", self.run_it("--paths", self.N).stderr)
                self.result.unlink()
        self.interrupt_after_a_chunk("--paths", self.N)
        self.assertEqual("", self.run_it("--paths", self.N, "--quiet").stderr)

    def test_what_was_said_is_what_to_do(self):
        expected = self.whole("--paths", self.N)
        said = self.interrupt_after_a_chunk("--paths", self.N, "--force")
        self.assertRegex(said, rf"interrupted after \d+ of {self.N} paths; \S+X\.h5\.partial holds them; go on with\n  repoquake run ")
        command = said.splitlines()[-1].strip()
        self.assertIn(command, self.info())
        words = shlex.split(command)
        self.assertNotIn("--force", words)
        subprocess.run([PROGRAM, *words[1:]], capture_output=True, check=True, cwd=self.folder)
        self.assert_finished(expected)

    def test_control_a_changed_byte_an_attribute_and_a_missing_dataset_are_found_out(self):
        expected = self.whole("--paths", 300)
        for harm in (lambda f: f["stats/spread_mean"].__setitem__(3, 1.0), lambda f: f["stats"].__delitem__("spread_sd"),
                     lambda f: f.attrs.__setitem__("seed", 3), lambda f: f["paths/spread"].__setitem__((7, 3), 0.5)):
            shutil.copy(self.folder / "whole.h5", self.result)
            with h5py.File(self.result, "r+") as file:
                harm(file)
            with self.assertRaises(AssertionError):
                self.assert_finished(expected)


class Signals(Case):
    N = 15000  # a message of progress every 1.5 chunks

    def test_an_interruption_leaves_the_earlier_result_and_resuming_replaces_it(self):
        self.run_it("--paths", 300, "--quiet")
        earlier = digest(self.result)
        expected = self.whole("--paths", self.N, "--quiet")
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.checkpoint.unlink(missing_ok=True)
                run = self.hold_it("--paths", self.N, "--force", *OFTEN)
                wait_until(self.reached, run)
                run.interrupt(number)
                said = run.let_go()
                self.assertEqual(75, run.returncode, said)
                self.assertEqual(earlier, digest(self.result))
                with h5py.File(self.partial) as file:
                    self.assertEqual(("interrupted", "interrupted"), (file.attrs["status"], file.attrs["stop_reason"]))
                    self.assertLess(0, file.attrs["n_paths"])
                    self.assertLess(file.attrs["n_paths"], self.N)
                    self.assertIn(f"interrupted after {file.attrs['n_paths']} of {self.N} paths", said)
        self.run_it("--resume", "--paths", self.N, "--quiet")
        self.assert_finished(expected)

    def test_a_second_signal_of_either_kind_stops_at_once(self):
        for first, second in itertools.product((signal.SIGINT, signal.SIGTERM), repeat=2):
            with self.subTest(f"{first.name}, {second.name}"):
                run = self.hold_it("--paths", self.N, "--force")
                wait_until(self.checkpoint.exists, run)
                run.interrupt(first)
                run.process.send_signal(second)
                self.assertEqual(-second, run.process.wait(60))

    def test_wall_times(self):
        for text in ("10", "1 day", "-1s", "s", "nan s", "1e30h", ""):
            with self.subTest(text):
                said = self.run_it("--wall-time", text, code=2).stderr
                self.assertIn("--wall-time", said)
                self.assertRegex(said, r"30s, 10min or 1h")
        for text in ("1h", "0.5 h", "10min", "30s"):
            self.run_it("--wall-time", text, "--paths", 10, "--force", "--quiet")
        self.run_it("--wall-time", "0.1s", "--paths", 10**7, "--force", "--set", "output.paths=none", code=75)  # minutes


class WhatIsRefused(Case):
    N = 3000

    def setUp(self):
        super().setUp()
        self.interrupt_after_a_chunk("--paths", self.N)

    def left(self):
        return {p.name: digest(p) for p in self.folder.iterdir()}

    def begin_another(self):
        """A run that is being written, not the interrupted one that it looks at first, and has made the one checkpoint that it
        makes: until its end it does not ask for its file by name."""
        self.partial.unlink()
        self.checkpoint.unlink()
        run = self.hold_it("--paths", self.N, "--checkpoint-every", "1h")
        wait_until(self.checkpoint.exists, run)
        self.assertIn("is being written", self.info())
        return run

    def test_another_run(self):
        before = self.left()
        for words, why in ((("--seed", 2, "--paths", self.N), "seed 20190917 in the file, 2 asked"),
                           (("--paths", 999), "paths 3000 in the file, 999 asked"),
                           (("--paths", self.N, "--set", "market.repo_volume=1200 bn USD"),
                            "market.repo_volume: 1179 bn USD in the file, 1200 bn USD asked"),
                           (("--paths", self.N, "--set", "output.paths=none"), "output.paths: all in the file, none asked")):
            with self.subTest(why):
                said = self.run_it("--resume", *words, code=65).stderr
                self.assertIn(f"X.h5.partial: cannot be resumed, it is of another run: {why}", said)
                self.assertEqual(before, self.left())
        self.run_it("--resume", "--paths", self.N)

    def test_a_series_that_changed(self):
        self.series.write_text(self.series.read_text() + "\n")
        said = self.run_it("--resume", "--paths", self.N, code=65).stderr
        self.assertIn("it is of another run: series.sha256: ", said)

    def test_a_finished_run_is_done_at_once(self):
        self.run_it("--resume", "--paths", self.N)
        self.assertIn("resumed after 1024 paths", self.info(self.result))
        before = self.left()
        for words in ((), ("--force",)):
            done = self.run_it("--resume", "--paths", self.N, *words)
            self.assertIn("X.h5 is complete and unchanged: nothing to do", done.stderr)
            self.assertIn(f"result in {self.result}", done.stdout)
            self.assertEqual(before, self.left())

    def test_another_result_is_not_replaced(self):
        self.run_it("--resume", "--paths", self.N)
        before = self.left()
        said = self.run_it("--resume", "--paths", 400, code=65).stderr
        self.assertIn("X.h5: is the result of another run: simulate.paths: 3000 in the file, 400 asked", said)
        self.assertIn("--force", said)
        self.assertEqual(before, self.left())
        self.assertIn("starts anew", self.run_it("--resume", "--paths", 400, "--force").stderr)

    def test_a_run_that_is_going_on(self):
        run = self.begin_another()
        for words in (("--resume",), ("--force",), ()):
            said = self.run_it("--paths", self.N, *words, code=74).stderr
            self.assertRegex(said, r"X\.h5\.partial: is being written by a running process\n$")
        run.let_go()
        self.assertEqual(0, run.returncode)

    def test_a_run_whose_file_was_taken_away(self):
        """Another one begins under its name: what is half of that one must not become the result of the first."""
        first = self.begin_another()
        self.partial.unlink()
        second = self.hold_it("--paths", self.N, "--seed", 3)
        wait_until(lambda: "is being written" in self.info(), second)
        self.assertIn("X.h5.partial: is another file now", first.let_go())
        self.assertEqual(74, first.returncode)
        self.assertFalse(self.result.exists())
        second.let_go()
        self.assertEqual((0, ["X.h5"]), (second.returncode, [p.name for p in self.folder.iterdir() if p.name.startswith("X.")]))
        self.assertIn("3000 paths, seed 3", self.info(self.result))

    def test_a_fresh_run_forgets_the_earlier_one(self):
        self.run_it("--paths", 500)
        self.assertNotIn("resumed", self.info(self.result))
        self.assertEqual(["X.h5"], [p.name for p in self.folder.iterdir() if p.name.startswith("X.")])


class WhatIsDamaged(Case):
    """Torn files are said to be torn, and cost no more than they held."""

    N = 6000
    WORDS = ("--paths", N, "--set", "output.paths={sample: 5000, worst: {count: 50, by: max(sofr - iorb)}}", "--set",
             "output.summary=all")

    known = None

    def setUp(self):
        super().setUp()
        if WhatIsDamaged.known is None:
            WhatIsDamaged.known = self.whole("--quiet", *self.WORDS)
        self.expected = WhatIsDamaged.known
        self.interrupt_after_a_chunk(*self.WORDS)
        self.interrupt_after_a_chunk("--resume", *self.WORDS)

    def resume(self, *patterns):
        said = self.run_it("--resume", *self.WORDS, threads=3).stderr
        for pattern in patterns:
            self.assertRegex(said, pattern)
        self.assert_finished(self.expected)

    def test_a_partial_file_that_was_cut_off(self):
        for share in (0.0, 0.5):
            with self.subTest(share):
                size = self.partial.stat().st_size
                kept = self.partial.read_bytes(), self.checkpoint.read_bytes()
                os.truncate(self.partial, int(share * size))
                said = self.info()
                self.assertRegex(said, "HDF5 cannot open it|not an HDF5 file|empty")
                whole, listed = map(int, re.search(r"reaches 2048 of 6000 paths; --resume rebuilds the file from the chunks that it "
                                                   r"lists, (\d+) of (\d+) are whole; go on with\n", said).groups())
                self.assertLess(whole, listed)
                self.resume(r"X\.h5\.partial does not hold what its checkpoint says: paths from \d+ on are simulated again")
                self.assertIn("resumed after 1024, 2048 paths, rebuilt from the chunks that were listed", self.info(self.result))
                self.result.unlink()
                self.partial.write_bytes(kept[0])
                self.checkpoint.write_bytes(kept[1])

    def test_a_partial_file_with_a_changed_byte(self):
        content_ = bytearray(self.partial.read_bytes())
        for place in range(len(content_) // 2, len(content_) // 2 + 20000, 1000):
            content_[place] ^= 0x40
        self.partial.write_bytes(content_)
        self.resume("simulated again")

    def test_a_partial_file_that_is_gone(self):
        self.partial.unlink()
        self.resume("paths from 0 on are simulated again")

    def test_a_checkpoint_that_means_harm(self):
        """Sealed anew, with what a terminal would obey in its command and in its scenario."""
        content = self.checkpoint.read_bytes()[:-4]
        for harmless, harm in ((b"four_days.yaml", b"four\x1b]0;w.yaml"), (b"name: four-days", b"name: four\x1b]0;w")):
            self.assertEqual((1, len(harm)), (content.count(harmless), len(harmless)))
            content = content.replace(harmless, harm)
        self.checkpoint.write_bytes(content + zlib.crc32(content).to_bytes(4, "little"))
        said = self.info()
        self.assertIn("four?]0;w.yaml", said)
        refused = self.run_it("--resume", *self.WORDS, code=65).stderr
        self.assertIn('name: "four?]0;w" in the file, four-days asked', refused)
        self.assertNotIn("\x1b", said + refused)

    def test_a_checkpoint_that_is_torn(self):
        whole = self.checkpoint.read_bytes()
        partial = self.partial.read_bytes()
        for harm in (b"", whole[:10], whole[: len(whole) // 2], whole[:-1], whole + b"x", b"\x89HDF\r\n\x1a\n" + whole):
            self.checkpoint.write_bytes(harm)
            self.assertRegex(self.info(), r"torn.*--resume would start anew")
        for harm in (whole[:-1], whole[:500] + b"?" + whole[501:]):
            with self.subTest(len(harm)):
                self.partial.write_bytes(partial)
                self.checkpoint.write_bytes(harm)
                self.resume(r"X\.h5\.checkpoint: .*torn.*: nothing to resume, the run starts anew")
                self.result.unlink()

    def test_a_checkpoint_of_another_format(self):
        self.checkpoint.write_bytes(self.checkpoint.read_bytes().replace(b"checkpoint/3\n", b"checkpoint/9\n", 1))
        self.resume("another version of the program.*starts anew")

    def test_no_checkpoint(self):
        self.checkpoint.unlink()
        self.assertIn("there is no checkpoint beside it", self.info())
        self.resume(r"X\.h5\.partial: no \S+X\.h5\.checkpoint beside it: nothing to resume, the run starts anew")

    def test_nothing_at_all(self):
        self.checkpoint.unlink()
        self.partial.unlink()
        self.resume(r"nothing to resume, the run starts anew")

    def test_a_checkpoint_that_was_never_finished(self):
        (self.folder / "X.h5.checkpoint.partial").write_bytes(b"half")
        self.resume(r"resuming after \d+ of 6000 paths")

    def test_killed_while_it_was_resumed(self):
        partial = self.partial.read_bytes()
        half = bytearray(partial[: len(partial) // 2])
        for states in ({self.resuming: partial}, {self.resuming: partial, self.partial: bytes(half)},
                       {self.resuming: bytes(half), self.partial: partial}):
            with self.subTest([f"{p.name} {len(b)}" for p, b in states.items()]):
                checkpoint = self.checkpoint.read_bytes()
                self.partial.unlink()
                for path, bytes_ in states.items():
                    path.write_bytes(bytes_)
                said = self.run_it("--resume", *self.WORDS).stderr
                self.assertRegex(said, r"resuming after \d+ of 6000 paths")
                self.assertNotIn("simulated again", said)
                self.assert_finished(self.expected)
                self.result.unlink()
                self.partial.write_bytes(partial)
                self.checkpoint.write_bytes(checkpoint)

    def test_what_info_says_of_the_files_beside(self):
        said = self.info(self.checkpoint)
        self.assertRegex(said, r"X\.h5\.checkpoint\n.*\n.*reaches \d+ of 6000 paths; .* are whole; go on with\n +repoquake run .* --resume")
        shutil.copy(self.partial, self.resuming)
        self.assertRegex(self.info(self.resuming), r"reaches \d+ of 6000 paths")


class KilledAtAnyMoment(Case):
    """Every second kill comes to a run that stands still after a checkpoint, the others at moments of chance."""

    N = 9000
    WORDS = ("--paths", N, "--set", "output.paths={sample: 5000, worst: {count: 50, by: max(sofr - iorb)}}", "--set",
             "output.summary=all", *OFTEN)

    def test_resumed_as_often_as_it_is_killed(self):
        begin = time.monotonic()
        self.expected = self.whole(*self.WORDS)
        duration = time.monotonic() - begin
        self.run_it("--paths", 300, "--quiet")
        chance = random.Random(SEED)
        end = time.monotonic() + (SECONDS if KILLS is None else float("inf"))
        n_kills = n_resumable = 0
        moments = set()
        while n_kills < int(KILLS or 25) and (n_kills < 8 or time.monotonic() < end):
            earlier, at = digest(self.result), self.reached()
            threads = chance.choice((1, 2, 3))
            if n_kills % 2 == 0:
                run = self.hold_it("--resume", "--force", *self.WORDS, room=chance.choice((150, 200, 250)), threads=threads)
                self.wait_for_progress(run, at)
                time.sleep(0.004 * chance.random())
            else:
                run = self.hold_it("--resume", "--force", *self.WORDS, room=4096, threads=threads)
                time.sleep(duration * chance.uniform(0.0, 1.1))
            said = run.kill()
            n_kills += 1
            self.assertIn(run.returncode, (0, -signal.SIGKILL), said)
            self.assertNotIn("simulated again", said)
            if at and "resuming" in said:
                self.assertIn(f"resuming after {at} of {self.N} paths", said)
            if run.returncode == 0 or digest(self.result) != earlier:
                self.resume_to_the_end()
                self.run_it("--paths", 300, "--quiet", "--force")
                continue
            at = self.reached()
            n_resumable += at > 0
            moments.add((at, self.partial.exists() and self.partial.stat().st_size, self.resuming.exists()))
            if self.partial.exists():
                self.assertRegex(self.info(), r"(?s)killed|going|whole|complete")
        self.resume_to_the_end()
        self.assertGreaterEqual(n_resumable, n_kills // 4)
        if KILLS:
            print(f"{n_kills} kills, {n_resumable} of them with paths to go on with, at {len(moments)} different moments")

    def wait_for_progress(self, run, at):
        """Until there is a checkpoint beyond this, or an end."""
        while run.poll() is None and self.reached() <= at:
            time.sleep(0.002)

    def resume_to_the_end(self):
        self.run_it("--resume", "--force", *self.WORDS)
        self.assert_finished(self.expected)


@unittest.skipIf(SANITIZED, "the library that kills must be loaded first, and so must the sanitizer's")
class KilledAtEveryChange(Case):
    """Killed before each change of a file, and in the middle of each write: of a fresh run and of one that is resumed, some 800
    in all. A change in STEP is tried; REPOQUAKE_KILLS says how many, about."""

    WORDS = ("--paths", 3000, "--set", "output.paths={sample: 2000, worst: {count: 50, by: max(sofr - iorb)}}", "--set",
             "output.summary=all", *OFTEN)
    STEP = max(1, 800 // int(KILLS)) if KILLS else 45

    def setUp(self):
        super().setUp()
        self.expected = self.whole("--quiet", *self.WORDS)
        self.earlier = {}

    def left(self):
        return {path: path.read_bytes() for path in self.folder.glob("X.h5*")}

    def put_back(self):
        for path in self.left():
            path.unlink()
        for path, content in self.earlier.items():
            path.write_bytes(content)

    def kill_at_each_change(self, *words):
        """Returns the number of changes that a whole run makes, and with how many paths each kill left it."""
        n, reached = self.STEP // 2, []
        while True:
            self.put_back()
            code, said = self.kill_at_change(n, "X.h5", *self.words(*words, *self.WORDS))
            if code == 0:
                return n, reached
            with self.subTest(change=n):
                is_there = self.result.exists() and self.result.read_bytes() != self.earlier.get(self.result)
                if is_there:
                    self.assert_same_contents(self.expected, contents(self.result))
                for path in self.left():
                    self.assertNotRegex(self.info(path), INTERNAL)
                at = self.reached()
                said = self.run_it("--resume", "--force", *self.WORDS).stderr
                self.assertIn("is complete and unchanged" if is_there else f"resuming after {at} of 3000 paths" if at else "", said)
                self.assertNotIn("simulated again", said)
                self.assert_finished(self.expected)
                reached.append(3000 if is_there else at)
            n += self.STEP

    def tell(self, what, n, reached):
        self.assertGreater(n, 100)
        self.assertTrue(set(reached) <= {0, 1024, 2048, 3000}, reached)
        if KILLS:
            print(f"{what}: killed at {len(reached)} of its {n} changes of files, {sum(at > 0 for at in reached)} times with paths to go on with")

    def test_a_fresh_run(self):
        self.run_it("--paths", 300, "--quiet")
        self.earlier = self.left()
        self.tell("a run", *self.kill_at_each_change("--force"))

    def test_a_run_that_is_resumed(self):
        self.interrupt_after_a_chunk(*self.WORDS)
        self.earlier = self.left()
        n, reached = self.kill_at_each_change("--resume")
        self.assertGreaterEqual(min(reached), 1024)  # what was there at the beginning is never lost
        self.tell("a resumed run", n, reached)


if __name__ == "__main__":
    unittest.main()
