"""The target of the coverage-guided fuzzing: no reader may raise anything but its own refusal."""

from __future__ import annotations

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["detente.disclosure"]):
    from detente.disclosure import container, opening, plain
    from detente.disclosure.escrow import read_secrets
    from detente.errors import DetenteError


def one(data: bytes) -> None:
    for read in (
        container.read_proof,
        container.read_escrow,
        opening.read_document,
        read_secrets,
        plain.verify,
    ):
        with contextlib.suppress(DetenteError, plain.Invalid):
            read(data)


atheris.Setup(sys.argv, one)
atheris.Fuzz()
