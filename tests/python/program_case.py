"""What tests of the program share: a folder of their own, the program run in it, runs that stand still where a test wants to
look at them, and what a result holds.
"""

import atexit
import fcntl
import functools
import hashlib
import os
import pathlib
import re
import reprlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import h5py
import numpy

PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
ROOT = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"])
SCENARIOS = ROOT / "scenarios"
SEPTEMBER = SCENARIOS / "sep_2019.yaml"
SANITIZED = any(name in PROGRAM for name in ("asan", "tsan"))  # maps all memory there is, knows every symbol, is loaded first

# Texts that are for us and not for a user.
INTERNAL = r"terminate called|what\(\)|std::|HDF5-DIAG|#0\d\d:|\bH5[A-Z]+\w*\(|exception|internal error|assert"


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


# ---------------------------------------------------------------- what a result holds

ADDRESSES = ("DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid")  # inside the file; names of dimensions stand for them


def plain(values):
    """A value that compares by content, NaN included."""
    values = numpy.asarray(values)
    return values.tolist() if values.dtype.kind == "O" else (values.dtype.str, values.shape, values.tobytes())


def stored_chunks(dataset):
    """The compressed bytes as they are in the file."""
    if dataset.chunks is None:
        return None
    offsets = [dataset.id.get_chunk_info(k).chunk_offset for k in range(dataset.id.get_num_chunks())]
    return {offset: dataset.id.read_direct_chunk(offset)[1] for offset in offsets}


def contents(path):
    """What depends on nothing but the scenario and the program, by name: every dataset outside /provenance (its values, its
    stored bytes, its dimensions) and, as name@attribute, every attribute but `created`; those of the file are @attribute."""
    found = {}

    def keep(name, item):
        if name.split("/")[0] == "provenance":
            return
        for key, value in item.attrs.items():
            if key not in ADDRESSES and (name, key) != ("", "created"):
                found[f"{name}@{key}"] = plain(value)
        if isinstance(item, h5py.Dataset):
            scales = [[scale.name for scale in dimension.values()] for dimension in item.dims]
            found[name] = (plain(item[()]), stored_chunks(item), scales)

    with h5py.File(path) as file:
        keep("", file)
        file.visititems(keep)
    return found


def datasets(path):
    return {name: value for name, value in contents(path).items() if "@" not in name}


# ---------------------------------------------------------------- runs that stand still

def wait_until(is_so, process, seconds=60):
    """Until there is evidence. The process must not have ended before, and what takes so long does not come."""
    end = time.monotonic() + seconds
    while not is_so():
        if process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode} before what was waited for")
        if time.monotonic() > end:
            raise AssertionError(f"not in {seconds} s")
        time.sleep(0.002)


class Held:
    """The program with a standard error that has room for few bytes: it stands still at the first message that finds none, and
    comes to no end before it is let go, however quick the machine is.

    Without room that is the first message, of progress at 10 %; every line of progress takes some 40 to 60 bytes.
    """

    def __init__(self, words, room=0, **more):
        self.reader, writer = os.pipe()
        self.n_filled = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096) - room  # a message is written whole or waits
        os.write(writer, bytes(self.n_filled))
        self.process = subprocess.Popen([PROGRAM, *map(str, words)], stdout=subprocess.DEVNULL, stderr=writer, **more)
        os.close(writer)

    @property
    def returncode(self):
        return self.process.returncode

    def poll(self):
        return self.process.poll()

    def catches(self, number):
        """Has it a handler for this signal?"""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return bool(int(re.search(r"^SigCgt:\s*(\w+)$", text, re.MULTILINE)[1], 16) >> (number - 1) & 1)

    def interrupt(self, number=signal.SIGINT):
        """A first signal, and its handler has run, which then steps aside; the run cannot have seen more of it."""
        wait_until(lambda: self.catches(number), self)
        self.process.send_signal(number)
        wait_until(lambda: not self.catches(number), self)

    def let_go(self):
        """It goes on to its end; returns what it has said."""
        with open(self.reader, "rb", closefd=False) as pipe:
            said = pipe.read()
        self.process.wait()
        return said[self.n_filled:].decode()

    def kill(self):
        """kill -9, and what it had said until then."""
        self.process.kill()
        return self.let_go()

    def end(self):
        if self.poll() is None:
            self.kill()
        os.close(self.reader)


# ---------------------------------------------------------------- kills at a chosen moment

@functools.cache
def fault_shim():
    """tests/fault_shim.c, to be loaded before the system's library."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shim = f"{folder}/fault_shim.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", shim, ROOT / "tests" / "fault_shim.c", "-ldl"], check=True)
    return shim


# ---------------------------------------------------------------- the case

class ProgramCase(unittest.TestCase):
    outside = ()  # verbs whose scenarios are elsewhere

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def words_of(self, words):
        return [*map(str, words), *(["--allow-outside"] if words[0] in self.outside else [])]

    def tool(self, *words, code=0, cwd=None):
        done = subprocess.run([PROGRAM, *self.words_of(words)], capture_output=True, text=True, check=False, cwd=cwd or self.folder)
        self.assertIn(done.returncode, code if isinstance(code, tuple) else (code,), done.stdout[-1500:] + done.stderr[-1500:])
        self.assertNotRegex(done.stdout + done.stderr, INTERNAL)
        return done

    def hold(self, *words, room=0):
        held = Held(self.words_of(words), room, cwd=self.folder)
        self.addCleanup(held.end)
        return held

    def kill_at_change(self, number, path, *words):
        """Killed where it would change files of this name for the so many-th time; its exit code, 0 where it has fewer changes
        to make, and all that it said."""
        faults = {"LD_PRELOAD": fault_shim(), "REPOQUAKE_FAULT": "KILL", "REPOQUAKE_FAULT_PATH": path, "REPOQUAKE_FAULT_AFTER": str(number)}
        done = subprocess.run([PROGRAM, *self.words_of(words)], capture_output=True, text=True, check=False, cwd=self.folder,
                              env={**os.environ, **faults})
        self.assertIn(done.returncode, (0, -signal.SIGKILL), done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    def assert_same_contents(self, expected, found):
        self.assertEqual([], sorted(set(expected) ^ set(found)))
        self.assertEqual({}, {name: reprlib.repr((expected[name], found[name])) for name in expected
                              if expected[name] != found[name]})
