"""`run --resume`: whatever ended a run, the finished file is that of a run that was never interrupted, byte by byte.

REPOQUAKE_KILLS sets the number of kills; when it is not set there are 25, or fewer on a slow machine.
"""

import hashlib
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import h5py
import numpy

PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
ROOT = Path(os.environ["REPOQUAKE_SOURCE_DIR"])
SEPTEMBER = ROOT / "scenarios" / "sep_2019.yaml"
KILLS = os.environ.get("REPOQUAKE_KILLS")
SECONDS = 6.0
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


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def stored_bytes(dataset):
    """What a reader gets, and what stands in the file where the run wrote it chunk by chunk."""
    values = dataset[()]
    parts = [values.tobytes() if values.dtype.kind != "O" else repr(values.tolist()).encode()] if dataset.ndim else [
        repr(values).encode()]
    if dataset.chunks is not None:
        for k in range(dataset.id.get_num_chunks()):
            offset = dataset.id.get_chunk_info(k).chunk_offset
            parts.append(repr(offset).encode() + dataset.id.read_direct_chunk(offset)[1])
    return b"".join(parts)


def attributes_of(item):
    kept = {}
    for name, value in item.attrs.items():
        if name in ("created", "DIMENSION_LIST", "REFERENCE_LIST"):
            continue
        kept[name] = value.tobytes() if isinstance(value, (numpy.ndarray, numpy.generic)) else value
    return kept


def content(path):
    """All that must not depend on interruptions: every dataset outside /provenance, every attribute but `created`."""
    found = {}
    with h5py.File(path) as file:
        def see(name, item):
            if name.split("/")[0] == "provenance":
                return
            found[name] = attributes_of(item)
            if isinstance(item, h5py.Dataset):
                found[name] = (item.dtype, item.shape, hashlib.sha256(stored_bytes(item)).hexdigest(), found[name],
                               [[scale.name for scale in dim.values()] for dim in item.dims])
        found["/"] = attributes_of(file)
        file.visititems(see)
    return found


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.result, self.partial = self.folder / "X.h5", self.folder / "X.h5.partial"
        self.checkpoint, self.resuming = self.folder / "X.h5.checkpoint", self.folder / "X.h5.resuming"
        self.scenario, self.series = self.folder / "four_days.yaml", self.folder / "four_days.csv"
        self.scenario.write_text(SCENARIO)
        lines = (ROOT / "scenarios" / "data" / "sep_2019.csv").read_text().splitlines(keepends=True)
        self.series.write_text("".join(line for line in lines if not "2019-09-17" <= line[:10] < "2020"))

    def words(self, *words, output=None, threads=2):
        return [PROGRAM, "run", str(self.scenario), "--threads", str(threads), "--output", str(output or self.result),
                *[str(word) for word in words]]

    def run_it(self, *words, code=0, threads=2):
        done = subprocess.run(self.words(*words, threads=threads), capture_output=True, text=True, check=False)
        self.assertEqual(code, done.returncode, done.stderr)
        return done

    def whole(self, *words):
        """What the run gives that nothing interrupts."""
        path = self.folder / "whole.h5"
        done = subprocess.run(self.words("--quiet", "--force", *words, output=path, threads=1), capture_output=True,
                              text=True, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return content(path)

    def interrupt_after_a_chunk(self, *words, threads=1, code=75):
        """A wall time that is over at once: a chunk or two for each thread."""
        return self.run_it("--wall-time", "0s", *words, threads=threads, code=code).stderr

    def assert_finished(self, expected):
        self.assertEqual(["X.h5"], sorted(p.name for p in self.folder.iterdir() if p.name.startswith("X.")))
        found = content(self.result)
        self.assertEqual(sorted(expected), sorted(found))
        self.assertEqual([], [name for name in expected if expected[name] != found[name]])

    def info(self, path=None):
        done = subprocess.run([PROGRAM, "info", str(path or self.partial)], capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 65))
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
            done = subprocess.run(self.words("--resume", "--wall-time", "0s", *words, threads=1 + n % 3), capture_output=True,
                                  check=False)
            self.assertIn(done.returncode, (0, 75))
        self.assertGreater(n, 1)
        self.assert_finished(expected)

    def test_a_run_that_stops_when_it_has_settled(self):
        # Settled well before the end, and after the first interruption.
        words = ["--paths", 30000, "--quiet", "--set", "output.paths={sample: 3000}", "--set",
                 "simulate.stop={metric: peak_spread, half_width: 2 bp, min_paths: 1}"]
        expected = self.whole(*words)
        self.assertEqual("settled", expected["/"]["stop_reason"])
        self.assertLess(3 * 1024, int(numpy.frombuffer(expected["/"]["n_paths"], "<i8")[0]))
        self.interrupt_after_a_chunk(*words)
        self.run_it("--resume", *words)
        self.assert_finished(expected)

    def test_a_run_that_had_settled_is_not_gone_on_with(self):
        words = ["--paths", 30000, "--quiet", "--set", "simulate.stop={metric: peak_spread, half_width: 2.4 bp, min_paths: 1}"]
        expected = self.whole(*words)
        # The last checkpoint is that of the chunk that settled it: killed while the end is written, or before the new name.
        self.keep_last_checkpoint(words)
        said = self.run_it("--resume", *words[:2], *words[3:]).stderr
        n = int(numpy.frombuffer(expected["/"]["n_paths"], "<i8")[0])
        self.assertIn(f"resuming after {n} of 30000 paths", said)
        self.assert_finished(expected)

    def keep_last_checkpoint(self, words):
        """Runs to the end, but keeps a copy of partial file and checkpoint as they were at the last one."""
        process = subprocess.Popen(self.words("--force", *OFTEN, *words), stdout=subprocess.DEVNULL)
        copy, kept = self.folder / "copy", None
        while process.poll() is None:
            try:
                inode = os.stat(self.checkpoint).st_ino
                if inode != kept:
                    os.link(self.checkpoint, copy.with_suffix(f".{inode}"))
                    kept = inode
                if not (self.folder / "copy.h5").exists():
                    os.link(self.partial, self.folder / "copy.h5")
            except OSError:
                pass
        self.assertEqual(0, process.returncode)
        last = max(self.folder.glob("copy.[0-9]*"), key=lambda p: p.stat().st_mtime_ns)
        self.result.unlink()
        shutil.move(self.folder / "copy.h5", self.partial)
        shutil.move(last, self.checkpoint)

    def test_expectations_are_checked_at_the_end(self):
        self.interrupt_after_a_chunk("--paths", self.N, "--expect")
        said = self.run_it("--paths", self.N, "--expect", "--resume").stdout
        self.assertRegex(said, r"(?i)expect")

    def test_from_a_result(self):
        self.whole("--paths", self.N, "--quiet")
        words = [PROGRAM, "run", "--from", str(self.folder / "whole.h5"), "--quiet", "--threads", "1", "-o"]
        subprocess.run([*words, str(self.folder / "again.h5")], capture_output=True, check=True)
        words.append(str(self.result))
        self.assertEqual(75, subprocess.run([*words, "--wall-time", "0s"], capture_output=True, check=False).returncode)
        subprocess.run([*words, "--resume"], capture_output=True, check=True)
        self.assert_finished(content(self.folder / "again.h5"))

    def test_what_was_said_is_what_to_do(self):
        expected = self.whole("--paths", self.N)
        said = self.interrupt_after_a_chunk("--paths", self.N, "--force")
        self.assertRegex(said, rf"interrupted after \d+ of {self.N} paths; \S+X\.h5\.partial holds them; go on with\n  repoquake run ")
        command = said.splitlines()[-1].strip()
        self.assertIn(command, self.info())
        words = shlex.split(command)
        self.assertNotIn("--force", words)
        subprocess.run([PROGRAM, *words[1:]], capture_output=True, check=True)
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
    def test_an_interruption_leaves_the_earlier_result_and_resuming_replaces_it(self):
        self.run_it("--paths", 300, "--quiet")
        earlier = digest(self.result)
        expected = self.whole("--paths", 20000, "--quiet")
        for number in (signal.SIGINT, signal.SIGTERM):
            self.checkpoint.unlink(missing_ok=True)
            process = subprocess.Popen(self.words("--paths", 20000, "--quiet", "--force"), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
            while not self.checkpoint.exists():
                time.sleep(0.002)
            process.send_signal(number)
            said = process.communicate()[1]
            self.assertEqual(75, process.returncode, said)
            self.assertEqual(earlier, digest(self.result))
            with h5py.File(self.partial) as file:
                self.assertEqual(("interrupted", "interrupted"), (file.attrs["status"], file.attrs["stop_reason"]))
        self.run_it("--resume", "--paths", 20000, "--quiet")
        self.assert_finished(expected)

    def test_a_second_signal_stops_at_once(self):
        process = subprocess.Popen(self.words("--paths", 300000, "--quiet"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while not self.checkpoint.exists():
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)  # both arrive before it can come to an end
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        self.assertIn(process.returncode, (-signal.SIGINT, -signal.SIGTERM, 75))

    def test_wall_times(self):
        for text in ("10", "1 day", "-1s", "s", "nan s", "1e30h", ""):
            with self.subTest(text):
                said = self.run_it("--wall-time", text, code=2).stderr
                self.assertIn("--wall-time", said)
                self.assertRegex(said, r"30s, 10min or 1h")
        for text in ("1h", "0.5 h", "10min", "30s"):
            self.run_it("--wall-time", text, "--paths", 10, "--force", "--quiet")
        begin = time.monotonic()
        self.run_it("--wall-time", "0.5s", "--paths", 10**7, "--force", "--set", "output.paths=none", code=75)
        self.assertLess(time.monotonic() - begin, 8.0)


class WhatIsRefused(Case):
    N = 3000

    def setUp(self):
        super().setUp()
        self.interrupt_after_a_chunk("--paths", self.N)

    def left(self):
        return {p.name: digest(p) for p in self.folder.iterdir()}

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
        process = subprocess.Popen(self.words("--paths", 10**7, "--quiet", "--set", "output.paths=none"),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.3)
            for words in (("--resume",), ("--force",), ()):
                said = self.run_it("--paths", self.N, *words, code=74).stderr
                self.assertRegex(said, r"X\.h5\.partial: is being written by a running process\n$")
        finally:
            process.kill()
            process.wait()

    def test_a_fresh_run_forgets_the_earlier_one(self):
        self.run_it("--paths", 500)
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
                self.assertIn("its checkpoint reaches", self.info())
                self.resume(r"X\.h5\.partial does not hold what its checkpoint says: paths from \d+ on are simulated again")
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
        self.checkpoint.write_bytes(self.checkpoint.read_bytes().replace(b"checkpoint/2\n", b"checkpoint/9\n", 1))
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
        self.assertRegex(said, r"X\.h5\.checkpoint\n.*\n.*reaches \d+ of 6000 paths; go on with\n +repoquake run .* --resume")
        shutil.copy(self.partial, self.resuming)
        self.assertRegex(self.info(self.resuming), r"reaches \d+ of 6000 paths")


class KilledAtAnyMoment(Case):
    N = 9000
    WORDS = ("--paths", N, "--set", "output.paths={sample: 5000, worst: {count: 50, by: max(sofr - iorb)}}", "--set",
             "output.summary=all", *OFTEN)

    def test_resumed_as_often_as_it_is_killed(self):
        begin = time.monotonic()
        expected = self.whole(*self.WORDS)
        duration = time.monotonic() - begin
        self.run_it("--paths", 300, "--quiet")
        earlier = digest(self.result)
        chance = random.Random(SEED)
        end = time.monotonic() + (SECONDS if KILLS is None else float("inf"))
        n_kills = n_resumed = n_finished = 0
        while n_kills < int(KILLS or 25) and (n_kills < 6 or time.monotonic() < end):
            process = subprocess.Popen(self.words("--resume", "--force", *self.WORDS, threads=chance.choice((1, 2, 3))),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if n_kills % 2 == 0:  # soon after a checkpoint, on a slow machine too
                self.wait_for_checkpoints(process, chance.choice((2, 3, 4)))
                time.sleep(0.004 * chance.random())
            else:
                time.sleep(duration * chance.uniform(0.0, 1.1))
            process.kill()
            said = process.communicate()[1]
            self.assertIn(process.returncode, (0, -signal.SIGKILL), said)
            n_kills += 1
            n_resumed += bool(re.search(r"resuming after [1-9]", said))
            self.assertNotIn("simulated again", said)
            if process.returncode == 0 or digest(self.result) != earlier:
                self.resume_to_the_end(expected)
                n_finished += 1
                self.run_it("--paths", 300, "--quiet", "--force")
                earlier = digest(self.result)
            elif self.partial.exists():
                self.assertRegex(self.info(), r"(?s)killed|going|whole|complete")
        self.resume_to_the_end(expected)
        self.assertGreater(n_resumed, 0, f"{n_kills} kills, {n_finished} finished: none came after a checkpoint")

    def wait_for_checkpoints(self, process, count):
        seen = set()
        while process.poll() is None and len(seen) < count + 1:  # that of the run before counts
            try:
                seen.add(os.stat(self.checkpoint).st_mtime_ns)
            except FileNotFoundError:
                pass
            time.sleep(0.0005)

    def resume_to_the_end(self, expected):
        self.run_it("--resume", "--force", *self.WORDS)
        self.assert_finished(expected)


if __name__ == "__main__":
    unittest.main()
