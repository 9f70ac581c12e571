#!/usr/bin/env python3
"""Checks who includes whom: the floors of docs/architecture.md, from the #include lines of include/ and src/.

    check_floors.py [ROOT]     exit 0, or 1 with one "file:line: reason" per offence
    check_floors.py --self-test
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

# What a floor may include besides itself. Everybody may include core; cli may include everything.
FLOORS = {
    "core": set(),
    "calendar": set(),
    "random": set(),
    "stats": set(),
    "scenario": {"calendar"},
    "model": set(),
    "plan": {"random", "calendar", "scenario", "model", "stats"},
    "engine": {"random", "model", "plan", "stats"},
    "study": {"random", "stats", "scenario", "plan", "engine"},
    "io": {"calendar", "stats", "scenario", "engine", "study"},
    "report": {"stats", "scenario", "engine", "study"},
}
FLOORS["cli"] = set(FLOORS)

# Libraries we did not write: the floors that may include them, and how their headers are recognised.
LIBRARIES = {
    "Eigen": ({"random", "plan"}, r"(unsupported/)?Eigen/"),
    "Boost": ({"random"}, r"boost/"),
    "oneTBB": ({"engine"}, r"(tbb|oneapi)/"),
    "the sanitizer interface": ({"engine"}, r"sanitizer/"),
    "yaml-cpp": ({"io"}, r"yaml-cpp/"),
    "HDF5": ({"io"}, r"(hdf5|H5\w*|hdf5_hl)\.h"),
    "OpenSSL": ({"io"}, r"openssl/"),
    "libdeflate": ({"io"}, r"(libdeflate|zlib)\.h"),
    "fmt": ({"io", "report", "cli"}, r"fmt/"),
    "CLI11": ({"cli"}, r"CLI/"),
    "nlohmann-json": ({"cli"}, r"nlohmann/"),
}

# The standard library has no dot and no slash. Of C and of the system only these, and only there.
STANDARD = re.compile(r"[a-z_0-9]+")
SYSTEM = re.compile(r"(fcntl|malloc|unistd|signal|termios|sys/\w+)\.h")
SYSTEM_FLOORS = {"io", "cli"}
PROCESSOR_HEADER = "immintrin.h"  # what only x86 knows stays in one file
PROCESSOR_FILE = Path("include/repoquake/core/register.hpp")

GENERATED = {"build_info.hpp": {"io", "cli"}}
REFUSED_NAMES = {"common", "utils", "util", "misc", "helpers"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"(?P<ours>[^"]+)"|<(?P<theirs>[^>]+)>)')
COMMENT_OR_TEXT = re.compile(r'R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|/\*.*?\*/', re.DOTALL)


def floor_of(path):
    """The floor of a file given relative to the root, e.g. include/repoquake/io/x.hpp; None outside the floors."""
    parts = path.parts
    rest = parts[2:] if parts[:2] == ("include", "repoquake") else parts[1:] if parts[0] == "src" else ()
    return rest[0] if len(rest) > 1 and rest[0] in FLOORS else None


def includes_of(text):
    """(line number, header, quoted?) of each include; block comments and raw strings are not code."""
    text = COMMENT_OR_TEXT.sub(lambda match: "\n" * match.group().count("\n"), text)
    for number, line in enumerate(text.splitlines(), start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match["ours"] or match["theirs"], match["ours"] is not None


def judge(root, path, floor, header, quoted):
    """The file of ours that `header` names (or None), and what is wrong with including it (or None)."""
    if header in GENERATED:
        ok = floor in GENERATED[header]
        return None, None if ok else f"{floor} may not include the generated {header}"
    if quoted or header.startswith("repoquake/"):
        candidates = [Path("include") / header, Path("src") / header, path.parent / header]
        target = next((candidate for candidate in candidates if (root / candidate).is_file()), None)
        if not quoted:
            return target, f'our own headers are included with quotes: "{header}"'
        if target is None:
            return None, f"no such header: {header}"
        other = floor_of(target)
        if other is None:
            return target, f"{header} is on no floor"
        if path.parts[0] == "include" and target.parts[0] == "src":
            return target, f"a public header may not include the private {header}"
        if other not in FLOORS[floor] | {floor, "core"}:
            return target, f"{floor} may not include {other} ({header})"
        return target, None
    for name, (floors, pattern) in LIBRARIES.items():
        if re.match(pattern, header):
            return None, None if floor in floors else f"{floor} may not include {name} ({header})"
    if header == PROCESSOR_HEADER and path == PROCESSOR_FILE:
        return None, None
    if STANDARD.fullmatch(header) or (SYSTEM.fullmatch(header) and floor in SYSTEM_FLOORS):
        return None, None
    return None, f"{floor} may not include {header}: neither the standard library nor a library of this floor"


def cycles(graph):
    """Each cycle of includes once, as a list of files that ends where it began."""
    done, found = set(), []

    def visit(node, trail):
        if node in trail:
            found.append(trail[trail.index(node):] + [node])
        elif node not in done:
            for following in sorted(graph.get(node, ())):
                visit(following, trail + [node])
            done.add(node)

    for node in sorted(graph):
        visit(node, [])
    return found


def check(root):
    """All offences under `root` as lines of text, and the number of files read."""
    offences, graph = [], {}
    files = sorted(
        file.relative_to(root)
        for top in ("include", "src")
        for file in (root / top).rglob("*")
        if file.suffix in {".hpp", ".cpp", ".h", ".cc", ".ipp"}
    )
    for path in files:
        if REFUSED_NAMES & {path.stem, *path.parts[:-1]}:
            offences.append(f"{path}:1: a name that says nothing: {path.name}")
        floor = floor_of(path)
        if floor is None:
            offences.append(f"{path}:1: on no floor; floors are {', '.join(FLOORS)}")
            continue
        targets = set()
        for line, header, quoted in includes_of((root / path).read_text(encoding="utf-8")):
            target, offence = judge(root, path, floor, header, quoted)
            if target is not None:
                targets.add(target)
            if offence is not None:
                offences.append(f"{path}:{line}: {offence}")
        graph[path] = targets
    offences += [f"{trail[0]}:1: a cycle: {' -> '.join(map(str, trail))}" for trail in cycles(graph)]
    return offences, len(files)


def self_test():
    """The check finds what it is for, and passes what is allowed."""
    good = {
        "include/repoquake/core/units.hpp": "#pragma once\n#include <cstdint>\n",
        "include/repoquake/model/need.hpp": '#include "repoquake/core/units.hpp"\n#include <span>\n',
        "src/model/need.cpp": '#include "repoquake/model/need.hpp"\n/*\n#include <iostream.h>\n*/\n',
        "src/io/hdf5_file.cpp": '#include <hdf5.h>\n#include <hdf5_hl.h>\n#include <unistd.h>\n#include "build_info.hpp"\n',
        "src/cli/main.cpp": '#include "repoquake/model/need.hpp"\n#include <CLI/CLI.hpp>\n',
    }
    bad = [
        ("src/model/a.cpp", '#include "repoquake/scenario/x.hpp"', {"include/repoquake/scenario/x.hpp": ""},
         "model may not include scenario"),
        ("src/io/a.cpp", '#include "repoquake/plan/x.hpp"', {"include/repoquake/plan/x.hpp": ""},
         "io may not include plan"),
        ("src/model/a.cpp", "#include <Eigen/Dense>", {}, "model may not include Eigen"),
        ("src/scenario/a.cpp", "#include <yaml-cpp/yaml.h>", {}, "scenario may not include yaml-cpp"),
        ("src/report/a.cpp", "  #  include <hdf5.h>", {}, "report may not include HDF5"),
        ("src/engine/a.cpp", "#include <fmt/format.h>", {}, "engine may not include fmt"),
        ("src/io/a.cpp", "#include <tbb/parallel_for.h>", {}, "io may not include oneTBB"),
        ("src/engine/a.cpp", '#include "build_info.hpp"', {}, "engine may not include the generated"),
        ("src/core/a.cpp", "#include <sqlite3.h>", {}, "neither the standard library"),
        ("src/core/a.cpp", "#include <unistd.h>", {}, "neither the standard library"),
        ("src/core/a.cpp", "#include <repoquake/core/units.hpp>", {}, "with quotes"),
        ("src/core/a.cpp", '#include "repoquake/core/none.hpp"', {}, "no such header"),
        ("src/core/utils.hpp", "", {}, "a name that says nothing"),
        ("src/loose.cpp", "", {}, "on no floor"),
        ("include/repoquake/core/a.hpp", '#include "repoquake/core/b.hpp"',
         {"include/repoquake/core/b.hpp": '#include "repoquake/core/a.hpp"'}, "a cycle"),
        ("include/repoquake/core/a.hpp", '#include "core/private.hpp"', {"src/core/private.hpp": ""},
         "a public header may not include the private"),
    ]
    failures = []
    for path, text, others, expected in [(None, None, {}, None), *bad]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, content in {**good, **others, **({path: text} if path else {})}.items():
                file = root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content, encoding="utf-8")
            offences, _ = check(root)
        wrong = offences if expected is None else len(offences) != 1 or expected not in offences[0]
        if wrong:
            failures.append(f"{path}: expected {expected!r}, got {offences}")
    print("\n".join(failures) or f"self-test: {len(bad)} offences found, the good tree passes")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description="Checks which floor includes which.")
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true", help="show that the check can fail")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    offences, count = check(options.root)
    if count == 0:
        offences = [f"{options.root}: no sources found"]
    print("\n".join(offences) or f"floors: {count} files, no offence")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
