"""The wheel: the same bytes from two copies of the tree, with all that the program reads inside."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import page  # noqa: E402

NOT_SOURCES = {".git", ".venv", ".venv-bench", ".venv-docs", "out", "dist", "build", "node_modules"}


def wheel(tree: Path, target: Path) -> Path:
    """The wheel that a copy of the tree gives, built at another place and another time stamp."""
    shutil.copytree(
        ROOT, tree, ignore=lambda _, names: NOT_SOURCES & set(names) | {n for n in names if "cache" in n}
    )
    for path in tree.rglob("*"):
        os.utime(path, (1_000_000_000 + len(str(tree)),) * 2)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", target, tree],
        capture_output=True,
        text=True,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1767225600"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(target.glob("*.whl"))


def test_a_wheel_has_the_same_bytes_wherever_it_is_built(tmp_path: Path) -> None:
    if not page.fresh():
        pytest.skip("the workbench's page is not built (make page), and building it needs the npm registry")
    first = wheel(tmp_path / "one" / "tree", tmp_path / "a")
    second = wheel(tmp_path / "another-place" / "tree", tmp_path / "b")
    digests = [hashlib.sha256(w.read_bytes()).hexdigest() for w in (first, second)]
    assert digests[0] == digests[1]
    packed = {n for n in zipfile.ZipFile(first).namelist() if n.startswith("detente/")}
    tracked = subprocess.run(["git", "ls-files", "src/detente"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode == 0 and tracked.stdout:
        assert {n.removeprefix("src/") for n in tracked.stdout.splitlines()} <= packed
    assert "detente/web/static/index.html" in packed
