"""`repoquake rare`: closed forms by splitting and by tilting, threads, refusals, the file it writes, interruption."""

import math
import unittest

import h5py
import numpy

from program_case import SEPTEMBER, ProgramCase

# The Treasury's account follows the series; a random drain moves it by a normal amount, and nothing else does.
DRAIN = "shocks=[{id: drain, target: tga, date: 2019-09-16, size: {normal: {mean: 0 bn USD, sd: 10 bn USD}}}]"
SMALL = ("--population", "256", "--replicas", "6", "--moves", "4", "--keep", "0.25")


def tail(deviations):
    return 0.5 * math.erfc(deviations / math.sqrt(2.0))


class Rare(ProgramCase):
    def rare(self, event, *words, code=0):
        return self.tool("rare", SEPTEMBER, "--quiet", "--set", DRAIN, "--event", event, *words, code=code)

    def level(self, deviations):
        """The account that the drain carries it beyond by so many standard deviations."""
        self.tool("run", SEPTEMBER, "--quiet", "--paths", "10", "--force", "-o", "plain.h5", "--set", "output.paths=none",
                  "--set", 'metrics=[{id: tga, expr: "mean(at(tga, 2019-09-16))"}]')
        with h5py.File(self.folder / "plain.h5") as file:
            return file["metrics/value"][0] + 10.0 * deviations

    def test_both_methods_meet_the_closed_form(self):
        event = f"at(tga, 2019-09-16) > {self.level(4.0):.6f} bn USD"
        ways = {"a.h5": SMALL, "b.h5": ("--tilt", "drain=+4sd", "--paths", "4000"),
                "c.h5": ("--tilt", "drain=40 bn USD", "--paths", "4000")}
        for name, words in ways.items():
            said = self.rare(event, *words, "-o", name).stdout
            self.assertRegex(said, r"probability +[0-9.]+e-05 ± ")
            with h5py.File(self.folder / name) as file:
                value, error = file["metrics/value"][0], file["metrics/se"][0]
                self.assertLess(abs(value - tail(4.0)), 4.0 * error)
                self.assertLess(error, 0.5 * value)
                self.assertLess(file["metrics/ci_lo"][0], value)
                self.assertGreater(file["metrics/ci_hi"][0], value)
                self.assertEqual("complete", file.attrs["status"])
        with h5py.File(self.folder / "b.h5") as b, h5py.File(self.folder / "c.h5") as c:  # the same tilt in other words
            self.assertEqual(b["metrics/value"][0], c["metrics/value"][0])
            self.assertLess(abs(b["rare/value"][2] - 1.0), 4.0 * b["rare/se"][2])
        info = self.tool("info", "a.h5").stdout
        self.assertIn("/levels", info)
        self.assertIn("P(at(tga", info)
        replicas = self.tool("export", "a.h5", "replicas").stdout.splitlines()
        self.assertEqual(1 + 6, len(replicas))
        with h5py.File(self.folder / "a.h5") as file:
            self.assertEqual(file["metrics/value"][0], numpy.mean(file["replicas/probability"][:]))
            self.assertEqual(6 * file["levels/level"].size + 1,
                             len(self.tool("export", "a.h5", "levels").stdout.splitlines()))
        self.assertIn("drain", self.tool("export", "b.h5", "tilts").stdout)
        self.assertIn("effective_hits", self.tool("export", "b.h5", "rare").stdout)

    def test_threads_leave_no_trace(self):
        event = "max(sofr - iorb) > 400 bp"
        for how in (("--population", "200", "--replicas", "5", "--moves", "2"), ("--tilt", "drain=+1sd", "--paths", "3000")):
            numbers = []
            for threads in (1, 3):
                self.rare(event, *how, "--threads", threads, "--force", "-o", "t.h5")
                with h5py.File(self.folder / "t.h5") as file:
                    here = {}
                    file.visititems(lambda name, item, here=here: here.update({name: item[()]})
                                    if isinstance(item, h5py.Dataset) and not name.startswith("provenance") else None)
                    numbers.append(here)
            self.assertEqual(numbers[0].keys(), numbers[1].keys())
            for name, value in numbers[0].items():
                numpy.testing.assert_array_equal(value, numbers[1][name], err_msg=name)

    def test_what_is_not_known_is_refused(self):
        never = self.rare("max(sofr - iorb) > 20000 bp", "--population", "100", "--replicas", "4", "--moves", "1",
                          "-o", "n.h5", code=79)
        self.assertIn("no path of any replica is in the event", never.stderr)
        self.assertIn("upper bound", never.stdout)
        with h5py.File(self.folder / "n.h5") as file:
            self.assertTrue(numpy.isnan(file["metrics/value"][0]))
            self.assertIn("no path", file["rare"].attrs["refused"])
            self.assertGreater(file["rare/ci_hi"][0], 0.0)
        few = self.rare("max(sofr - iorb) > 600 bp", "--tilt", "drain=-3sd", "--paths", "1000", code=79)
        self.assertIn("refused", few.stdout)

    def test_what_is_wrong_is_said(self):
        def said(event, *words, code=2):
            return self.rare(event, *words, code=code).stderr

        high = "max(sofr - iorb) > 900 bp"
        self.assertIn("character 5", said("max(sof - iorb) > 900 bp"))
        self.assertIn("did you mean", said("max(sof - iorb) > 900 bp"))
        self.assertIn("an event is a condition", said("mean(max(spread))"))
        self.assertIn("one comparison", said(f"{high} and min(reserves) < 1 bn USD"))
        self.assertIn("needs a --tilt", said(high, "--method", "tilting"))
        self.assertIn("is for --method tilting", said(high, "--method", "splitting", "--tilt", "drain=+1sd"))
        self.assertIn("plays no part", said(high, "--paths", "100"))
        self.assertIn("are for splitting", said(high, "--tilt", "drain=+1sd", "--moves", "3"))
        self.assertIn('did you mean "drain"', said(high, "--tilt", "drian=+1sd"))
        self.assertIn("too many", said(high, "--tilt", "drain=+7sd"))
        self.assertIn("moves nothing", said(high, "--tilt", "drain=+0sd"))
        self.assertIn("standard deviations", said(high, "--tilt", "drain=far"))
        self.assertIn("SHOCK=+2sd", said(high, "--tilt", "drain"))
        self.assertIn("constant", said(high, "--tilt", "drain=+1sd", "--set", "shocks.drain.size=5 bn USD"))
        self.assertIn("switched off", said(high, "--tilt", "drain=+1sd", "--set", "shocks.drain.enabled=false"))
        self.assertIn("--replicas", said(high, "--replicas", "1"))
        self.assertIn("missing.yaml", self.tool("rare", "missing.yaml", "--event", high, code=74).stderr)
        (self.folder / "there.h5").write_text("mine")
        self.rare(high, "-o", "there.h5", code=74)
        self.assertEqual("mine", (self.folder / "there.h5").read_text())
        self.assertIn("nothing is written", self.rare(high, "--dry-run", "-o", "there.h5").stdout)

    def test_an_interrupted_estimate_is_none(self):
        held = self.hold("rare", SEPTEMBER, "--event", "max(sofr - iorb) > 150 bp", "--population", "300", "--threads", 1, "-o", "i.h5")
        held.interrupt()
        self.assertIn("interrupted", held.let_go())
        self.assertEqual(75, held.returncode)
        self.assertEqual([], list(self.folder.iterdir()))


if __name__ == "__main__":
    unittest.main()
