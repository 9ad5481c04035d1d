"""compare: revisions or experiments side by side → reports/compare.html. Run by `make compare`.

    python stages/compare.py REVISION REVISION ...

A revision is what Git or DVC names so: a commit, a branch, an experiment, or `workspace`.
"""

import argparse
from pathlib import Path

import project  # noqa: F401
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException

from miface.command import run
from miface.errors import MifaceError
from miface.files import written_whole
from miface.progress import tell, tracked
from miface.report.experiments import Read, check_same_people, load_experiment, load_photos
from miface.report.page import render


def main(*arguments: str) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", nargs="+", metavar="REVISION")
    revisions = list(dict.fromkeys(parser.parse_args(arguments).revisions))
    if len(revisions) < 2:
        raise MifaceError(
            f"found one revision, {revisions[0]}; expected two or more to compare, such as "
            "HEAD workspace; dvc exp list names experiments"
        )
    experiments, people = [], []
    for revision in tracked(revisions, "reading", "revision"):
        read = _reader(revision)
        experiments.append(load_experiment(revision, read))
        people.append(load_photos(revision, read))
    check_same_people(revisions, [faces for faces, _ in people])
    with written_whole("reports/compare.html") as beside:
        beside.write_text(render(experiments, *people[0]), encoding="utf-8")
    tell(f"The comparison: {Path('reports/compare.html').resolve()}")


def _reader(revision: str) -> Read:
    if revision == "workspace":
        return lambda path: Path(path).read_bytes()
    try:
        files = DVCFileSystem(".", rev=revision)
        _ = files.repo  # it is looked for when it is first asked for
    except DvcException as error:
        raise MifaceError(
            f"{revision}: cannot be read as a revision ({error}); see: git log, dvc exp list"
        ) from None
    return lambda path: bytes(files.cat_file(path))


run(main)
