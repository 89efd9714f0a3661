"""The API keeps its own description, whatever is asked of it (a short sample; the soak asks more)."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from litestar.testing import TestClient

schemathesis = pytest.importorskip("schemathesis")

QUICK = ("treaties", "forces", "stations", "events", "jobs", "claims/", "overview", "node", "compose")
N = 40 if os.environ.get("DETENTE_SEARCH") else 4


def test_the_api_answers_as_it_says(client: TestClient) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/schema/openapi.json").json())
    seen = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if not any(q in operation.path for q in QUICK) or "/events/{" in operation.path:
            continue  # the long answers have tests of their own

        @settings(
            max_examples=N, deadline=None, database=None, derandomize="DETENTE_SEARCH" not in os.environ,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: object) -> None:
            nonlocal seen
            found = client.request(
                case.method,
                case.formatted_path,
                params=case.query or None,
                headers=dict(case.headers or {}),  # type: ignore[attr-defined]
            )
            seen += 1
            assert found.status_code < 500, (case, found.text)
            kind = found.headers["content-type"].partition(";")[0]
            assert (kind == "application/problem+json") == (found.status_code >= 400), (case, kind)

        ask()
    assert seen > 40
