"""Patches: applied, refused with their line, inverted, compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.errors import DetenteError
from detente.treaty import apply, compare, invert, load, read
from detente.treaty.load import load_patch

HEAD = (
    "patch: p\ntitle: P\nbase: new-start\nbase_digest: {digest}\nrationale: r\ncite: [X]\nquality: assumed\n"
)
SOURCES = "sources: {X: {ref: x}}\n"


def write(tmp_path: Path, operations: str, digest: str = "", head: str = HEAD) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(
        head.format(digest=digest or load("new-start").digest) + SOURCES + "operations:\n" + operations
    )
    return path


def test_a_patch_changes_what_it_says_and_leaves_the_base(tmp_path: Path) -> None:
    base = load("new-start")
    made = read("new-start", write(tmp_path, "  - {set: limits/II.1.b/bound, to: 1000}\n"))
    changes = compare(base, made)
    assert [(c.provision, c.fields) for c in changes] == [("limits/II.1.b", ("bound",))]
    assert load("new-start").digest == base.digest != made.digest


@pytest.mark.parametrize(
    "operations",
    [
        "  - {set: limits/II.1.b/bound, to: 1000}\n",
        "  - {remove: readings/conversions-unconfirmed}\n",
        "  - {remove: limits/II.1.a}\n  - {set: limits/II.1.b/bound, to: 5}\n",
        "  - {set: limits/II.1.b/together, to: true}\n  - {set: term/length, to: P20Y}\n",
        "  - add: limits\n    value: {id: n, title: t, unit: warheads, count: [bomber-warheads], bound: 9, "
        "article: a, cite: [X], quality: assumed}\n",
        "  - {set: parties, to: [US, RU, CN]}\n",
    ],
)
def test_patch_then_inverse_is_the_base(tmp_path: Path, operations: str) -> None:
    base = load("new-start")
    if "remove: limits/II.1.a" in operations:  # what keeps it must go with it
        operations += "  - {set: life/ru-suspension/keeps, to: []}\n"
    patch, document = load_patch(write(tmp_path, operations))
    made = apply(base, patch, document)
    assert apply(made, invert(base, patch)).digest == base.digest


@pytest.mark.parametrize(
    ("operations", "line", "word"),
    [
        ("  - {set: limits/II.1.x/bound, to: 1}\n", 10, "did you mean"),
        ("  - {set: limits/II.1.b/bound/deeper, to: 1}\n", 10, "no 'limits/II.1.b/bound/deeper'"),
        ("  - {remove: limits/nothing}\n", 10, "no 'limits/nothing'"),
        ("  - {set: limits/II.1.a/bound, to: 1}\n  - {remove: limits/II.1.a}\n", 11, "overlaps operation 1"),
        ("  - {set: limits/II.1.a/bound}\n", 10, "needs 'to'"),
        ("  - {set: limits/II.1.a/bound, to: 1, value: 2}\n", 10, "takes no 'value'"),
        ("  - {add: limits, value: {id: II.1.a}}\n", 10, "exists already"),
        ("  - {add: limitz, value: {id: q}}\n", 10, "did you mean 'limits'"),
        ("  - {set: limits/II.1.a/bound, to: -5}\n", 10, "negative bound"),
        ("  - {set: limits/II.1.a/unit, to: tonnes}\n", 10, "unit mismatch"),
    ],
)
def test_a_wrong_patch_is_one_line_with_its_place(
    tmp_path: Path, operations: str, line: int, word: str
) -> None:
    with pytest.raises(DetenteError) as bad:
        read("new-start", write(tmp_path, operations))
    assert f"p.yaml:{line}" in str(bad.value) and word in str(bad.value), str(bad.value)


def test_a_changed_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetenteError, match=r"p\.yaml:4: the base has changed: it is now sha256:"):
        read(
            "new-start",
            write(tmp_path, "  - {set: limits/II.1.b/bound, to: 1}\n", digest="sha256:" + "0" * 64),
        )


def test_patches_compose_from_left_to_right(tmp_path: Path) -> None:
    first = write(tmp_path, "  - {set: limits/II.1.b/bound, to: 1000}\n")
    middle = read("new-start", first)
    second = tmp_path / "q.yaml"
    head = HEAD.replace("patch: p", "patch: q").replace("new-start", "p").format(digest=middle.digest)
    second.write_text(head + SOURCES + "operations:\n  - {set: limits/II.1.b/bound, to: 900}\n")
    assert read("new-start", first, second).instrument.limits[1].bound == 900
    with pytest.raises(DetenteError, match="the patch is for 'p'"):
        read("new-start", second)
