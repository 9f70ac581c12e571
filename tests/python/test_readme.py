"""The commands of README.md, run as they stand: a page that lies fails here. The two set-up commands are not run."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("REPOQUAKE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
PROGRAM = pathlib.Path(os.environ.get("REPOQUAKE_PROGRAM", ROOT / "build/release/repoquake"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title):
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(text, language):
    """Fenced blocks of a language; fences are taken in pairs."""
    return [code for fence, code in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if fence == language]


@unittest.skipUnless(os.access(PROGRAM, os.X_OK), f"no program at {PROGRAM}: build it, or set REPOQUAKE_PROGRAM")
class Readme(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="repoquake-readme-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("scenarios", "scripts"):
            shutil.copytree(ROOT / name, self.folder / name, symlinks=True)  # links would lead outside
        (self.folder / "build/release").mkdir(parents=True)
        (self.folder / "build/release/repoquake").symlink_to(PROGRAM)
        (self.folder / "output").mkdir()

    def run_line(self, line):
        environment = os.environ | {"PATH": f"{self.folder}/build/release:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-euc", line], cwd=self.folder, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def test_five_minutes_of_use(self):
        text = section("Five minutes of use")
        files = re.findall(r"as `(output/\S+\.yaml)`:\n```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(files), 3)
        for name, content in files:
            (self.folder / name).write_text(content, encoding="utf-8")
        lines = [line for block in blocks(text, "") for line in block.splitlines() if line.strip()]
        self.assertGreater(len(lines), 10)
        printed = {}
        for line in lines:
            if line.startswith("python3 "):
                line = sys.executable + line[len("python3"):]
            printed[line] = self.run_line(line)
        self.check_table_of_reverse(text, printed)
        for made in ("sep-2019.h5", "sep-2019-with-standing-repo.h5", "no_fed.h5", "tga_20.h5", "many.h5", "both.png", "facility.h5",
                     "tga-x-reserves.h5", "ceiling.h5", "ceiling.png"):
            self.assertTrue((self.folder / "output" / made).is_file(), made)

    def check_table_of_reverse(self, text, printed):
        """The answer to the desk's question is what the command prints, line by line."""
        shown = next(block for block in blocks(text, "text") if "along policy.tga.target" in block)
        said = next(out for line, out in printed.items() if line.startswith("repoquake reverse "))
        for line in shown.splitlines():
            self.assertIn(line, said.splitlines())

    def test_three_lines_of_python(self):
        self.run_line("repoquake run scenarios/sep_2019.yaml --paths 500 --quiet --output output/sep_2019.h5")
        for code in blocks(section("Read a result"), "python"):
            done = subprocess.run([sys.executable, "-c", code], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"\d")

    def test_what_the_page_names_exists(self):
        for target in re.findall(r"\]\(([^)#:]+)[)#]", README):
            self.assertTrue((ROOT / target).exists(), target)


if __name__ == "__main__":
    unittest.main()
