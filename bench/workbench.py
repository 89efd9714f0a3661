"""The workbench: from the command to a listening server, from the address to the first numbers, and their weight."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench._report import best, line

ENV = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "src")}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main() -> None:
    from detente.web.pages import HOW_TO_BUILD, STATIC, built

    def start() -> None:
        process, _ = serving()
        process.terminate()
        process.wait()

    def bare() -> None:
        subprocess.run([sys.executable, "-c", "import litestar, uvicorn"], env=ENV, check=True)

    start()
    taken, yard = best(start, repeat=3), best(bare, repeat=3)
    line("detente serve, until it listens", taken, "s", "<= 2 s", kept=taken <= 2)
    line("  over importing the server's libraries alone", taken / yard, "times")
    chromium = shutil.which("chromium")
    if not built(STATIC) or chromium is None:
        print(f"  the page was not measured: {HOW_TO_BUILD if chromium else 'no Chromium here'}")
        return
    process, base = serving()
    try:
        _page(base, chromium, STATIC)
    finally:
        process.terminate()
        process.wait()


def serving() -> tuple[subprocess.Popen[bytes], str]:
    """A server of its own, listening."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "detente", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=ENV, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            break
        except OSError:
            time.sleep(0.01)
    return process, f"http://127.0.0.1:{port}"


def _page(base: str, chromium: str, static: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        asked: list[str] = []

        def seconds(path: str, shown: str) -> float:
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            page.on("request", lambda r: asked.append(r.url))
            begun = time.perf_counter()
            page.goto(base + path, wait_until="commit")
            page.wait_for_selector(shown)
            taken = time.perf_counter() - begun
            page.context.close()
            return taken

        empty = best(lambda: seconds("/api/v1/node", "body"), repeat=3)
        cold = seconds("/", ".number strong")  # the server's first answer, an empty cache in the browser
        files = set(asked)
        warm = min(seconds("/", ".number strong") for _ in range(3))
        line("first view, the server's first answer", cold, "s", "<= 1.5 s", kept=cold <= 1.5)
        line("first view, again in a fresh browser", warm, "s", "<= 1.5 s", kept=warm <= 1.5)
        line("  over a reply of 14 bytes in the same browser", warm / empty, "times")
        weight = sum(_weight(base, url, static, browser) for url in files)
        line("first view, compressed", weight / 1000, "kB", "<= 500 kB", kept=weight <= 500_000)
        browser.close()


def _weight(base: str, url: str, static: Path, browser: Any) -> int:
    kept = static / url.removeprefix(base).partition("?")[0].lstrip("/")
    data = kept.read_bytes() if kept.is_file() else browser.new_context().request.get(url).body()
    return len(data) if kept.suffix == ".woff2" else len(gzip.compress(data, 6))
