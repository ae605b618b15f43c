"""`make bench`: measure graft beside plain Keras and plain Prefect, and write RESULTS.md, results.json and results.png.

Each section runs whole processes in turns, at least three times each, and keeps its figures in results.json, so that a
section can be measured again alone: the page is made of all that is there.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import drawing, machine, rendering, results
from tests.benchmarks.bench import Bench, Skipped
from tests.benchmarks.results import Findings
from tests.benchmarks.sections import SECTIONS, Section

HERE = Path(__file__).parent
EXAMPLES = """\
examples:
  python -m tests.benchmarks.run                             all sections: about 40 minutes on two cores
  python -m tests.benchmarks.run --only cached,cli           these two; the others keep their figures
  python -m tests.benchmarks.run --only dense --repeats 5
  python -m tests.benchmarks.run --quick                     does every section work? the figures mean nothing
  python -m tests.benchmarks.run --render                    the page anew, nothing measured
  make bench BENCH="--only scaling"                          the same by way of make
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what was asked for; exit code 1 where a section failed."""
    chosen = _parser().parse_args(argv)
    folder = chosen.out or (Path(tempfile.mkdtemp(prefix="graft-bench-quick-")) if chosen.quick else HERE)
    folder.mkdir(parents=True, exist_ok=True)
    failed = [] if chosen.render else _measure(chosen, folder)
    write(folder)
    print(folder / rendering.PAGE)
    for name in failed:
        print(f"{name} failed", file=sys.stderr)
    return 1 if failed else 0


def write(folder: Path) -> None:
    """Make the page and the picture of what `folder` holds."""
    found = results.load(folder / rendering.FIGURES)
    titles = {name: section.title for name, section in SECTIONS.items()}
    picture = drawing.draw({name: found[name] for name in SECTIONS if name in found})
    if picture:
        (folder / rendering.PICTURE).write_bytes(picture)
    page = rendering.page(found, titles, with_picture=bool(picture))
    (folder / rendering.PAGE).write_text(page, encoding="utf-8")


def _measure(chosen: argparse.Namespace, folder: Path) -> list[str]:
    """Measure the sections one after the other, each kept as soon as it is there; the names of those that failed."""
    bench, failed, path = Bench(chosen.repeats, chosen.quick), [], folder / rendering.FIGURES
    try:
        for name in chosen.only:
            before = machine.circumstances(_command(chosen), chosen.repeats, chosen.quick)
            try:
                findings = _section(bench, SECTIONS[name])
            except Exception as problem:  # the other sections are worth their time all the same
                bench.say(f"failed: {problem}")
                failed.append(name)
                continue
            results.save(path, {**results.load(path), name: replace(findings, how=before)})
    finally:
        bench.close()
    return failed


def _section(bench: Bench, section: Section) -> Findings:
    bench.section = section.name
    bench.say(section.title)
    began = time.perf_counter()
    try:
        findings = section.measure(bench)
    except Skipped as why:
        findings = Findings(skipped=str(why))
    for each in findings.comparisons:
        bench.say(f"{each.what}: {each.ratio:.2f} ({each.verdict()})")
    bench.say(f"{findings.skipped or 'done'} ({time.perf_counter() - began:.0f} s)")
    return findings


def _command(chosen: argparse.Namespace) -> str:
    """The command that measured, without the folder that it wrote to."""
    only = "" if list(chosen.only) == list(SECTIONS) else f" --only {','.join(chosen.only)}"
    return f"python -m tests.benchmarks.run{only} --repeats {chosen.repeats}{' --quick' if chosen.quick else ''}"


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {section.name:<15} {section.title}" for section in SECTIONS.values())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.run",
        description=f"{__doc__}\nsections:\n{listed}",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=_names, default=list(SECTIONS), metavar="NAME,…", help="sections to measure")
    parser.add_argument("--repeats", type=_count, default=3, help="runs of each side (default 3; short ones more)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, into a folder of its own")
    parser.add_argument("--render", action="store_true", help="make page and picture anew, measure nothing")
    parser.add_argument("--out", type=Path, help="folder for the three files (default: that of the script)")
    return parser


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if not names or not set(names) <= set(SECTIONS):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(SECTIONS)}; found {text!r}")
    return names


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, found {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
