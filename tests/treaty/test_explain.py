"""Explanations: every provision, fact, branch and exception behind a verdict stands in the tree."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec

from detente.asof import AsOf
from detente.assess.compliance import declarations
from detente.treaty import Law, explain, load, resolve
from detente.treaty.explain import Node, as_html, as_text


def tree(limit: str, party: str, day: str, *, by_system: bool = True) -> tuple[Node, Law]:
    law = resolve(load("new-start"), AsOf.on(day))
    return explain(law, limit, party, declarations(law, by_system=by_system)[party]), law


def walk(node: Node) -> list[Node]:
    return [node, *(n for c in node.children for n in walk(c))]


def test_the_bomber_rule_and_its_facts_show() -> None:
    found, law = tree("II.1.b", "US", "2020-09-01")
    rule = next(n for n in walk(found) if n.provision == "counting/bomber-warheads")
    assert rule.article == next(r.article for r in law.instrument.counting if r.id == "bomber-warheads")
    assert rule.value == "48 warheads"
    assert {f for c in rule.children for f in c.facts} == {
        "new-start-2020-09-01-US-b-2a-deployed-heavy-bombers",
        "new-start-2020-09-01-US-b-52h-deployed-heavy-bombers",
    }


def test_what_an_exception_sets_aside_is_named_with_its_reason() -> None:
    found, _ = tree("II.1.c", "US", "2022-03-01")
    us, ru = (n for n in found.children if n.text.startswith("reading of"))
    assert any("converted-outside" in n.overridden for n in walk(us))
    assert not any(n.overridden for n in walk(ru))
    assert "800" in us.value and "901" in ru.value


def test_the_branch_taken_and_the_views_show() -> None:
    found, _ = tree("II.1.b", "US", "2020-09-01")
    assert any(n.branch == "way 1 of 2" for n in walk(found))
    assert {n.text for n in walk(found)} >= {"as US sees it", "as RU sees it"}


def test_a_missing_number_says_what_would_settle_it() -> None:
    law = resolve(load("new-start"), AsOf.on("2023-03-01"))
    found = explain(law, "II.1.b", "RU", declarations(law)["RU"])
    assert any(n.text == "would settle it" for n in walk(found))


def test_every_fact_and_source_of_the_tree_reaches_text_json_and_html() -> None:
    found, _ = tree("II.1.b", "US", "2020-09-01")
    text, page, data = as_text(found), as_html(found), msgspec.json.encode(found).decode()
    for node in walk(found):
        for fact in node.facts:
            assert fact in text and fact in page and fact in data


def test_html_is_escaped_and_balanced() -> None:
    class Balance(HTMLParser):
        open_tags: list[str]

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "br":
                self.open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open_tags.pop() == tag

    parser = Balance()
    parser.open_tags = []
    page = as_html(Node(text="<script>alert(1)</script>", children=(Node(text="a & b"),)))
    parser.feed(page)
    assert parser.open_tags == [] and "<script>" not in page
