#!/usr/bin/env python3
"""Would the tests notice? Changes one token of src/ at a time, at random, and runs the native tests on each change.

    tests/mutation/mutate.py [--seed N] [--count N] [--room ROOM] [--at FILE:LINE]

A change is a comparison, a logical operator, a sign, min for max, or a call that is left out. Works on a copy of the
checkout in build/mutation. Prints each change that no test noticed, and a JSON object last. What survives is a missing
assertion, or a change that makes no difference: that is for a person to tell.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutation"

# clang-format puts spaces around binary operators and none into template arguments.
SWAPS = [
    (r"(?<= )<(?= )", "<="),
    (r"(?<= )<=(?= )", "<"),
    (r"(?<= )>(?= )", ">="),
    (r"(?<= )>=(?= )", ">"),
    (r"(?<= )==(?= )", "!="),
    (r"(?<= )!=(?= )", "=="),
    (r"(?<= )&&(?= )", "||"),
    (r"(?<= )\|\|(?= )", "&&"),
    (r"(?<= )\+(?= )", "-"),
    (r"(?<= )-(?= )", "+"),
    (r"(?<= )\+=(?= )", "-="),
    (r"(?<= )-=(?= )", "+="),
    (r"\+\+(?=\w)", "--"),
    (r"std::min\b", "std::max"),
    (r"std::max\b", "std::min"),
    (r"(?<=[(& |])!(?=[\w(])", ""),
]
CALL = re.compile(r"^(\s+)[\w:.>\[\]*-]+\([^;]*\);$")


def code_only(line: str) -> str:
    """The line with its texts and comment blanked, of the same length."""
    out = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)+\'', lambda m: "~" * len(m[0]), line)
    return re.sub(r"//.*", lambda m: "~" * len(m[0]), out)


def changes(path: Path):
    for number, line in enumerate(path.read_text().splitlines()):
        if line.lstrip().startswith(("#", "//", "using", "template", "///")):
            continue
        code = code_only(line)
        for pattern, other in SWAPS:
            for match in re.finditer(pattern, code):
                yield number, line[: match.start()] + other + line[match.end() :]
        call = CALL.match(code)
        if call and "return" not in code:
            yield number, call[1] + ";"


def run(command, timeout):
    try:
        done = subprocess.run(command, cwd=COPY, timeout=timeout, capture_output=True, text=True)
        return done.returncode
    except subprocess.TimeoutExpired:
        return -1  # a loop without end is noticed, too


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=46)
    options.add_argument("--room", default="", help="only src/ROOM")
    options.add_argument("--at", default="", help="all changes of one line, as FILE:LINE")
    args = options.parse_args()

    tracked = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    for name in tracked.splitlines():
        source = ROOT / name
        if not source.is_file() or name.startswith(("web/models/", "web/demo/")):
            continue
        target = COPY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copyfile(source, target)
    configure = ["cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS=-O1"]
    build = ["cmake", "--build", "build", "--target", "candor_tests"]
    tests = ["build/candor_tests", "--gtest_brief=1", "--gtest_fail_fast"]
    os.environ.setdefault("CANDOR_SCHEDULES", "200")
    if run(configure, 120) or run(build, 1200) or run(tests, 300):
        sys.exit("The tests do not pass as they are.")

    files = sorted((COPY / "src" / args.room).rglob("*.cpp"))
    everything = [(path, number, line) for path in files for number, line in changes(path)]
    if args.at:
        name, line_number = args.at.rsplit(":", 1)
        chosen = [c for c in everything if str(c[0]).endswith(name) and c[1] == int(line_number) - 1]
    else:
        chosen = random.Random(args.seed).sample(everything, min(args.count, len(everything)))
    noticed, survivors, unbuilt = 0, [], 0
    for path, number, changed in chosen:
        before = path.read_text()
        lines = before.splitlines()
        where = f"{path.relative_to(COPY)}:{number + 1}"
        original, lines[number] = lines[number], changed
        path.write_text("\n".join(lines) + "\n")
        try:
            if run(build, 300):
                unbuilt += 1
                continue
            if run(tests, 120):
                noticed += 1
                continue
            survivors.append({"at": where, "was": original.strip(), "is": changed.strip()})
            print(f"{where}\n  - {original.strip()}\n  + {changed.strip()}", flush=True)
        finally:
            path.write_text(before)
    print(json.dumps({"changes": len(chosen), "noticed": noticed, "notCompiled": unbuilt, "survivors": survivors}))


if __name__ == "__main__":
    main()
