"""Files that others made: paths that lead out, pipes and devices, results that are torn, foreign or hostile."""

import os
import pathlib
import resource
import shutil
import stat
import subprocess
import tempfile
import time
import unittest

import h5py
import numpy

from program_case import SANITIZED

PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
ROOT = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"])
MINIMAL = (ROOT / "tests/reject/parents/minimal.yaml").read_text().replace("series: {file: minimal.csv}\n", "")
OUTSIDE = "files name only what lies under the working directory or the folder of the file given on the command line"
if SANITIZED:  # what the HDF5 library loses on its way out of a damaged file is not ours
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
CODES = {0, 65, 74}  # any answer but a crash, a signal, or an internal error


class Untrusted(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name).resolve()
        self.here = self.top / "here"
        self.here.mkdir()

    def write(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def tool(self, *words, code=None, cwd=None, timeout=20, limits=None):
        start = time.monotonic()
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, cwd=cwd or self.here, timeout=timeout,
                              stdin=subprocess.DEVNULL, preexec_fn=limits, check=False)
        done.seconds = time.monotonic() - start
        done.out, done.err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if code is not None:
            self.assertEqual(code, done.returncode, done.out[-2000:] + done.err[-2000:])
        return done


class Paths(Untrusted):
    """`extends`, series, sizes, bases and lists stay inside unless --allow-outside is given."""

    def check_refused(self, file, place, key, *, verb="check", cwd=None):
        refused = self.tool(verb, file, code=65, cwd=cwd)
        self.assertRegex(refused.err, rf"{pathlib.Path(file).name}:{place}: error: {key}: .* may not be read: {OUTSIDE}")
        self.assertIn("--allow-outside", refused.err)
        return refused

    def test_a_parent_outside_is_refused_at_its_name_until_it_is_allowed(self):
        self.write("elsewhere/base.yaml", MINIMAL)
        child = self.write("here/child.yaml", "format: repoquake/scenario/1\nextends: ../elsewhere/base.yaml\n")
        self.check_refused(child, "2:10", "extends")
        self.tool("check", child, "--allow-outside", code=0)
        self.tool("explain", child, code=65)
        self.tool("explain", child, "--allow-outside", code=0)
        self.tool("check", child, cwd=self.top, code=0)  # under the working directory
        absolute = self.write("here/absolute.yaml",
                              f"format: repoquake/scenario/1\nextends: [{self.top / 'elsewhere/base.yaml'}]\n")
        self.check_refused(absolute, "2:11", r"extends\[0\]")

    def test_what_is_under_the_folder_of_the_file_is_read_from_anywhere(self):
        self.write("far/base/b.yaml", MINIMAL)
        child = self.write("far/child.yaml", "format: repoquake/scenario/1\nextends: base/b.yaml\n")
        self.tool("check", child, code=0)
        self.tool("check", "../far/child.yaml", code=0)

    def test_a_parent_may_not_lead_out_for_its_child(self):
        self.write("elsewhere/base.yaml", MINIMAL)
        self.write("here/parent.yaml", "format: repoquake/scenario/1\nextends: ../elsewhere/base.yaml\n")
        child = self.write("here/child.yaml", "format: repoquake/scenario/1\nextends: parent.yaml\n")
        refused = self.tool("check", child, code=65)
        self.assertRegex(refused.err, r"parent\.yaml:2:10: error: extends: ")

    def test_links_are_resolved(self):
        self.write("elsewhere/base.yaml", MINIMAL)
        (self.here / "link.yaml").symlink_to(self.top / "elsewhere/base.yaml")
        (self.here / "folder").symlink_to(self.top / "elsewhere")
        for name in ("link.yaml", "folder/base.yaml"):
            child = self.write("here/child.yaml", f"format: repoquake/scenario/1\nextends: {name}\n")
            refused = self.check_refused(child, "2:10", "extends")
            self.assertIn(f"which is {self.top / 'elsewhere/base.yaml'}", refused.err)
        self.write("here/inside.yaml", MINIMAL)
        (self.here / "fine.yaml").symlink_to("inside.yaml")
        child = self.write("here/child.yaml", "format: repoquake/scenario/1\nextends: fine.yaml\n")
        self.tool("check", child, code=0)
        (self.here / "round.yaml").symlink_to("round.yaml")
        child = self.write("here/child.yaml", "format: repoquake/scenario/1\nextends: round.yaml\n")
        self.assertIn("cannot read", self.tool("check", child, code=65).err)

    def test_nothing_of_a_file_outside_is_told(self):
        self.write("elsewhere/secret", "word: hunter2\n")
        for text in ("extends: ../elsewhere/secret\n", "series: {file: ../elsewhere/secret}\n",
                     "extends: ../elsewhere/missing\n"):
            child = self.write("here/child.yaml", "format: repoquake/scenario/1\n" + text)
            refused = self.tool("check", child, code=65)
            self.assertIn("may not be read", refused.err)
            self.assertNotIn("hunter2", refused.err)
            self.assertNotIn("No such file", refused.err)

    def test_a_series_and_a_column_of_sizes(self):
        self.write("elsewhere/days.csv", "date\n2019-09-11\n2019-09-12\n2019-09-13\n")
        self.write("elsewhere/sizes.csv", "size_usd_bn\n1\n2\n")
        self.write("here/base.yaml", MINIMAL)
        child = self.write("here/a.yaml", "format: repoquake/scenario/1\nextends: base.yaml\n"
                                          "series: {file: ../elsewhere/days.csv}\n")
        self.check_refused(child, "3:16", r"series\.file")
        child = self.write("here/b.yaml", "format: repoquake/scenario/1\nextends: base.yaml\nshocks:\n"
                                          "  - {id: a, target: tga, date: 2019-09-12, size: {empirical: {file: "
                                          "../elsewhere/sizes.csv, column: size_usd_bn}}}\n")
        self.check_refused(child, r"4:\d+", r"shocks\.a\.size\.empirical\.file")

    def test_a_base_and_a_list_of_a_sweep(self):
        self.write("elsewhere/base.yaml", MINIMAL)
        self.write("elsewhere/list.csv", "fed_balance_sheet.tga\n1 bn USD\n")
        self.write("here/base.yaml", MINIMAL)
        sweep = self.write("here/s.yaml", "format: repoquake/sweep/1\nname: s\nbase: ../elsewhere/base.yaml\n"
                                          "axes: [{set: fed_balance_sheet.tga, values: [150 bn USD]}]\n")
        self.check_refused(sweep, "3:7", "base")
        self.check_refused(sweep, "3:7", "base", verb="sweep")
        sweep = self.write("here/l.yaml", "format: repoquake/sweep/1\nname: s\nbase: base.yaml\n"
                                          "design: {kind: list, file: ../elsewhere/list.csv}\n")
        self.check_refused(sweep, r"4:28", r"design\.file")

    def test_the_word_of_the_user_counts(self):
        self.write("elsewhere/days.csv", "date\n2019-09-11\n2019-09-12\n2019-09-13\n")
        self.write("elsewhere/over.yaml", "series: {file: days.csv}\n")
        base = self.write("here/base.yaml", MINIMAL)
        for words in (["--set", "series.file=../elsewhere/days.csv"], ["--with", "../elsewhere/over.yaml"]):
            said = self.tool("check", base, *words)
            self.assertNotIn("may not be read", said.err)

    def test_the_library_is_inside(self):
        child = self.write("here/child.yaml", "format: repoquake/scenario/1\nextends: lib:sep_2019\n")
        self.tool("check", child, code=0)
        child = self.write("here/out.yaml", "format: repoquake/scenario/1\nextends: lib:../../../etc/passwd\n")
        self.assertIn("the built-in library has no file", self.tool("check", child, code=65).err)

    def test_every_verb_that_reads_scenarios_knows_the_option(self):
        for verb in ("run", "check", "explain", "trace", "sweep", "compare", "attribute", "reverse"):
            self.assertIn("--allow-outside", self.tool(verb, "--help", code=0).out)


class Kinds(Untrusted):
    """Only regular files are read; nothing waits for a writer."""

    def test_pipes_devices_and_folders_are_named_and_never_waited_for(self):
        pipe = self.here / "pipe"
        os.mkfifo(pipe)
        base = self.write("here/base.yaml", MINIMAL)
        for path, kind in ((pipe, "a pipe"), ("/dev/zero", "a device"), (self.here, "a folder")):
            for words in (["check", path], ["run", path], ["sweep", path], ["explain", path],
                          ["compare", base, path], ["check", base, "--with", path]):
                refused = self.tool(*words, timeout=10)
                self.assertIn(refused.returncode, (65, 74), refused.err)
                self.assertIn(f"cannot read {path}: it is {kind}", refused.err)
            for words in (["info", path], ["export", path, "stats"], ["run", "--from", path],
                          ["merge", path, "-o", self.here / "m.h5"]):
                refused = self.tool(*words, code=74, timeout=10)
                self.assertIn(str(path), refused.err)
        for key in ("extends: pipe\n", "series: {file: pipe}\n"):
            child = self.write("here/child.yaml", f"format: repoquake/scenario/1\n{key}")
            refused = self.tool("check", child, code=65, timeout=10)
            self.assertRegex(refused.err, r"child\.yaml:2:\d+: error: .*it is a pipe")

    def test_a_scenario_on_standard_input_is_refused(self):
        done = subprocess.run([PROGRAM, "check", "/dev/stdin"], input=MINIMAL, capture_output=True, text=True, timeout=10,
                              check=False)
        self.assertEqual(74, done.returncode)
        self.assertIn("/dev/stdin: it is a pipe", done.stderr)

    def test_a_file_that_may_not_be_read(self):
        base = self.write("here/base.yaml", MINIMAL)
        self.write("here/days.csv", "date\n2019-09-11\n").chmod(0)
        child = self.write("here/child.yaml", "format: repoquake/scenario/1\nextends: base.yaml\n"
                                              "series: {file: days.csv}\n")
        nobody, program = None, PROGRAM
        if os.geteuid() == 0:  # who may read everything
            for path in (self.top, self.here):
                path.chmod(0o755)
            program = shutil.copy(PROGRAM, self.top)
            nobody = lambda: os.setuid(65534)  # noqa: E731
            if subprocess.run([program, "version"], preexec_fn=nobody, capture_output=True, check=False).returncode:
                self.skipTest("nobody may not run programs here")
        refused = subprocess.run([program, "check", child], preexec_fn=nobody, capture_output=True, text=True, check=False)
        self.assertEqual(65, refused.returncode, refused.stderr)
        self.assertRegex(refused.stderr, r"child\.yaml:3:16: error: series\.file: .*days\.csv: Permission denied")
        self.assertTrue(base.exists())

    def test_a_series_that_changed_is_told(self):
        text = "date\n2019-09-11\n2019-09-12\n2019-09-13\n"
        self.write("here/days.csv", text)
        child = self.write("here/child.yaml", MINIMAL + f"series: {{file: days.csv, sha256: '{'0' * 64}'}}\n")
        self.assertIn("the file has changed", self.tool("check", child, code=65).err)

    def test_files_that_are_too_large(self):
        base = self.write("here/base.yaml", MINIMAL)
        large = self.here / "large.yaml"
        with large.open("wb") as file:
            file.truncate(1 << 40)  # nothing on disk
        self.assertIn("larger than 1 MB", self.tool("check", large, code=74).err)
        child = self.write("here/child.yaml", "format: repoquake/scenario/1\nextends: base.yaml\n"
                                              "series: {file: large.yaml}\n")
        self.assertIn("larger than 64 MB", self.tool("check", child, code=65).err)
        self.assertTrue(base.exists())


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))


class Results(Untrusted):
    """Results from elsewhere: an answer in time, whatever the bytes."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.good = pathlib.Path(cls.folder.name) / "good.h5"
        cls.sweep = pathlib.Path(cls.folder.name) / "sweep.h5"
        subprocess.run([PROGRAM, "run", "lib:sep_2019", "--paths", "64", "--set", "output.variables=[spread, reserves]",
                        "--quiet", "-o", cls.good], check=True, capture_output=True)
        file = pathlib.Path(cls.folder.name) / "sweep.yaml"
        file.write_text("format: repoquake/sweep/1\nname: s\nbase: lib:sep_2019\noverride: {simulate: {paths: 64}}\n"
                        "design: {kind: saltelli, samples: 2, seed: 1}\n"
                        "factors:\n  - {set: fed_balance_sheet.reserves, range: [1400 bn USD, 1500 bn USD]}\n"
                        "metrics: [{id: peak, expr: mean(max(spread)), unit: bp}]\n")
        subprocess.run([PROGRAM, "sweep", file, "--quiet", "-o", cls.sweep], check=True, capture_output=True)

    def copy(self, source=None):
        path = self.here / "r.h5"
        shutil.copy(source or self.good, path)
        return path

    def answers(self, path, *, codes=CODES, verbs=None):
        """Every verb that reads a result answers, soon, within memory, and leaves the file alone."""
        before = path.read_bytes()
        found = []
        for words in verbs or (["info", path], ["export", path, "stats"], ["export", path, "paths", "--path", "0"],
                               ["export", path, "metrics", "--format", "json"], ["compare", self.good, path]):
            done = self.tool(*words, limits=None if SANITIZED else limit_memory)
            self.assertIn(done.returncode, codes, f"{words}: {done.out[-500:]}{done.err[-1500:]}")
            self.assertNotIn("internal error", done.err)
            found.append(done)
        self.assertEqual(before, path.read_bytes())
        return found

    def test_control_the_good_file_is_read(self):
        for done in self.answers(self.copy()):
            self.assertEqual(0, done.returncode, done.err)

    def test_files_that_are_cut_anywhere(self):
        whole = self.good.read_bytes()
        path = self.here / "r.h5"
        for share in (0.0, 0.001, 0.1, 0.5, 0.9, 0.999):
            path.write_bytes(whole[:int(share * len(whole))])
            self.answers(path, codes={65}, verbs=(["info", path],))

    def test_bytes_that_are_flipped(self):
        whole = self.good.read_bytes()
        random = numpy.random.default_rng(20190917)
        path = self.here / "r.h5"
        for _ in range(12):
            bytes_ = bytearray(whole)
            for at in random.integers(0, min(len(whole), 60_000), 20):
                bytes_[at] = random.integers(0, 256)
            path.write_bytes(bytes_)
            self.answers(path, verbs=(["info", path],))

    def test_foreign_files(self):
        path = self.here / "r.h5"
        with h5py.File(path, "w") as file:
            file["x"] = numpy.arange(10)
        for done in self.answers(path, codes={65}):
            self.assertIn("not a repoquake result", done.err)

    def changed(self, change, source=None):
        path = self.copy(source)
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    def test_links_that_lead_elsewhere_are_not_followed(self):
        secret = self.top / "secret.h5"
        with h5py.File(secret, "w") as file:
            file["v"] = numpy.full(16, 7.54321e77)

        def link(file):
            for name in ("spread_mean", "sofr_mean"):
                del file["stats"][name]
            file["stats"]["spread_mean"] = h5py.ExternalLink(secret, "/v")
            file["stats"]["sofr_mean"] = h5py.SoftLink("/stats/spread_sd")

        path = self.changed(link)
        for done in self.answers(path):
            self.assertNotIn("7.54321", done.out + done.err)

    def test_storage_in_other_files_is_refused(self):
        pipe = self.here / "pipe"
        os.mkfifo(pipe)
        for other in ("/etc/passwd", str(pipe)):
            def store(file, other=other):
                del file["stats/spread_mean"]
                file["stats"].create_dataset("spread_mean", (4,), "f8", external=[(other, 0, 32)])

            path = self.changed(store)
            for done in self.answers(path, verbs=(["info", path], ["export", path, "stats"])):
                self.assertEqual(65, done.returncode)
                self.assertIn("keeps its values in other files", done.err)

        def make_virtual(file):
            del file["stats/spread_mean"]
            layout = h5py.VirtualLayout((4,), "f8")
            layout[:] = h5py.VirtualSource(str(pipe), "v", (4,))
            file["stats"].create_virtual_dataset("spread_mean", layout)

        path = self.changed(make_virtual)
        for done in self.answers(path, codes={65}, verbs=(["info", path], ["export", path, "stats"])):
            self.assertIn("keeps its values in other files", done.err)

    def test_groups_in_a_ring(self):
        path = self.changed(lambda file: file["stats"].__setitem__("ring", file["/"]))
        self.answers(path, codes={65}, verbs=(["info", path],))

    def test_sizes_beyond_all_measure(self):
        huge = 1 << 50

        def grow(file):
            for name in ("stats/spread_mean", "summary/peak_spread", "paths/spread", "metrics/value"):
                if name not in file:
                    continue
                rank = file[name].ndim
                del file[name]
                file.create_dataset(name, (huge,) * rank if rank == 1 else (huge, 1 << 10), "f8",
                                    chunks=(1024,) * rank)

        path = self.changed(grow)
        for done in self.answers(path)[1:]:
            self.assertEqual(65 if "spread" in done.err or "torn" in done.err else done.returncode, done.returncode)

    def test_a_bomb_of_zeros_does_not_go_off(self):
        def store(file):
            del file["stats/spread_mean"]
            n = 1 << 25  # 256 MB of zeros in some kilobytes
            file["stats"].create_dataset("spread_mean", data=numpy.zeros(n), chunks=(n,), compression="gzip")

        path = self.changed(store)
        self.answers(path, codes={0, 65}, verbs=(["info", path], ["export", path, "stats"]))

    def test_a_chunk_that_inflates_beyond_itself(self):
        import zlib

        def store(file):
            old = file["stats/spread_mean"]
            n = old.shape[0]
            del file["stats/spread_mean"]
            dataset = file["stats"].create_dataset("spread_mean", (n,), "f8", chunks=(n,), compression="gzip")
            dataset.dims[0].attach_scale(file["stats/time"])
            dataset.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 24)))

        path = self.changed(store)
        done, = self.answers(path, codes={65}, verbs=(["export", path, "stats"],))
        self.assertIn("inflates to another size", done.err)

    def test_filters_that_results_do_not_have(self):
        def store(file):
            n = file["stats/spread_mean"].shape[0]
            del file["stats/spread_mean"]
            dataset = file["stats"].create_dataset("spread_mean", data=numpy.arange(n, dtype="f8"), compression="lzf")
            dataset.dims[0].attach_scale(file["stats/time"])

        path = self.changed(store)
        done, = self.answers(path, codes={65}, verbs=(["export", path, "stats"],))
        self.assertIn("filters that results do not have", done.err)

    def test_tables_that_do_not_fit_together(self):
        def shorten(name, length=1):
            def change(file):
                values = file[name][:length]
                kind = file[name].dtype
                del file[name]
                file.create_dataset(name, data=values, dtype=kind)
            return change

        for name in ("features/mean", "features/unit", "stats/time", "stats/spread_mean", "summary/path"):
            path = self.changed(shorten(name))
            self.answers(path, verbs=(["info", path], ["export", path, name.split("/")[0]], ["compare", path, path]))
        path = self.changed(shorten("stats/time", 0))
        self.answers(path, verbs=(["export", path, "stats"], ["compare", path, path]))

        def nonsense(name, value):
            def change(file):
                file[name][...] = value
            return change

        for name, value in (("stats/quantile", numpy.nan), ("stats/spread_mean", numpy.inf), ("features/mean", -1e300)):
            path = self.changed(nonsense(name, value))
            self.answers(path, verbs=(["export", path, "stats", "--format", "json"], ["compare", path, path]))

    def test_sweeps_that_do_not_fit_together(self):
        def attributes(**values):
            def change(file):
                for name, value in values.items():
                    file["sweep"].attrs.modify(name, value)
            return change

        def point(file):
            numbers = file["sweep/point"][:]
            numbers[0] = 1 << 40
            file["sweep/point"][:] = numbers

        merged = self.here / "merged.h5"
        changes = [attributes(samples=1 << 60), attributes(samples=10**6), attributes(kind="morris", levels=0),
                   attributes(kind="morris", levels=1 << 62), attributes(kind="lhs", samples=1), attributes(samples=-1),
                   point]
        for change in changes:
            path = self.changed(change, self.sweep)
            self.answers(path, verbs=(["info", path], ["merge", path, "--force", "-o", merged]))

    def test_texts_do_not_command_the_terminal(self):
        path = self.changed(lambda file: file.attrs.modify("title", "a\x1b[2Jb\x07"))
        info = self.tool("info", path, code=0)
        self.assertNotIn("\x1b", info.out)
        self.assertIn("a?[2Jb?", info.out)

    def test_a_scenario_inside_a_result_may_not_lead_out(self):
        self.write("secret.csv", "word\nhunter2\n")

        def lead_out(file):
            scenario = file["provenance/resolved_scenario"]
            text = scenario.asstr()[()]
            lines = [line for line in text.splitlines() if "sha256:" not in line]
            lines = [f"  file: {self.top}/secret.csv" if line.strip().startswith("file:") else line for line in lines]
            scenario[()] = "\n".join(lines) + "\n"

        path = self.changed(lead_out)
        refused = self.tool("run", "--from", path, "--dry-run", code=65)
        self.assertIn(OUTSIDE, refused.err)
        self.assertNotIn("hunter2", refused.err)

        def pretend(file):  # the folder of the scenario is what the file says
            lead_out(file)
            file["provenance/input_path"][...] = [f"{self.top}/x.yaml"] * len(file["provenance/input_path"])

        path = self.changed(pretend)
        self.assertIn(OUTSIDE, self.tool("run", "--from", path, "--dry-run", code=65).err)

    def test_usual_files_are_tried_quickly(self):
        def seconds(*words):  # of processor time, as the machine may be busy
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.tool(*words, code=0)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        reading = min(seconds("info", self.good) for _ in range(3)) - min(seconds("version") for _ in range(3))
        self.assertLess(reading, 1.0 if SANITIZED else 0.1)


class Exports(Untrusted):
    """An output replaces nothing unasked, and is there whole or not at all."""

    def setUp(self):
        super().setUp()
        self.result = self.here / "r.h5"
        self.tool("run", "lib:sep_2019", "--paths", "64", "--set", "output.variables=[spread]", "--quiet",
                  "-o", self.result, code=0)

    def test_an_existing_file_is_kept_without_force(self):
        kept = self.write("here/kept.csv", "mine")
        self.assertIn("exists; --force", self.tool("export", self.result, "stats", "-o", kept, code=74).err)
        self.assertEqual("mine", kept.read_text())
        self.tool("export", self.result, "stats", "-o", kept, "--force", code=0)
        self.assertTrue(kept.read_text().startswith("time,"))
        self.assertEqual({"kept.csv", "r.h5"}, {path.name for path in self.here.iterdir()})

    def test_what_fails_leaves_nothing(self):
        kept = self.write("here/kept.csv", "mine")
        with h5py.File(self.result, "r+") as file:
            del file["stats/spread_mean"]
            file["stats"].create_dataset("spread_mean", (4,), "f8", external=[("/etc/passwd", 0, 32)])
        self.tool("export", self.result, "stats", "-o", kept, "--force", code=65)
        self.assertEqual("mine", kept.read_text())
        self.tool("export", self.result, "stats", "-o", self.here / "new.csv", code=65)
        self.assertEqual({"kept.csv", "r.h5"}, {path.name for path in self.here.iterdir()})

    def test_a_pipe_or_a_folder_is_no_output(self):
        os.mkfifo(self.here / "pipe")
        for name in ("pipe", "."):
            self.tool("export", self.result, "stats", "-o", self.here / name, code=74, timeout=10)
        self.assertTrue(stat.S_ISFIFO((self.here / "pipe").stat().st_mode))

    def test_limits_of_the_file_system(self):
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        failed = self.tool("export", self.result, "stats", "-o", self.here / "x.csv", limits=small)
        self.assertIn(failed.returncode, (74, -25), failed.err)  # SIGXFSZ where nobody ignores it
        self.assertFalse((self.here / "x.csv").exists())


class Symbols(unittest.TestCase):
    """No shell, no network, no other program: the program does not even know how to ask for one."""

    FORBIDDEN = {"system", "popen", "socket", "connect", "bind", "listen", "accept", "getaddrinfo", "gethostbyname",
                 "execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe", "posix_spawn", "posix_spawnp"}

    def undefined(self, program):
        tool = shutil.which("nm")
        if tool is None:
            self.skipTest("no nm")
        text = subprocess.run([tool, "-D", "--undefined-only", program], capture_output=True, text=True, check=True).stdout
        return {line.split()[-1].split("@")[0] for line in text.splitlines() if line.strip()}

    def test_the_program_calls_no_shell_and_no_network(self):
        if SANITIZED:
            self.skipTest("a sanitizer knows them all")
        symbols = self.undefined(PROGRAM)
        self.assertIn("open", {symbol.removesuffix("64") for symbol in symbols})
        self.assertEqual(set(), self.FORBIDDEN & symbols)

    def test_control_a_program_that_does_is_found_out(self):
        self.assertTrue(self.FORBIDDEN & self.undefined(shutil.which("bash")))


if __name__ == "__main__":
    unittest.main()
