"""Canonical JSON against RFC 8785: its examples, its number table (Appendix B) and ECMAScript itself."""

from __future__ import annotations

import enum
import json
import math
import shutil
import struct
import subprocess
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.canonical import canonical_json, digest
from detente.errors import DetenteError

# RFC 8785, Appendix B: IEEE 754 double (hexadecimal) and its ECMAScript form
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


def double(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_the_number_table_of_the_rfc(bits: str, text: str) -> None:
    assert canonical_json(double(bits)).decode() == text
    assert canonical_json(np.float64(double(bits))).decode() == text


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_nan_and_infinities_have_no_form(bits: str) -> None:
    with pytest.raises(DetenteError, match="no JSON form"):
        canonical_json(double(bits))


def test_the_example_of_section_3_2_2() -> None:
    given = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(given).decode() == expected


def test_keys_sort_by_utf_16_code_units() -> None:
    """Section 3.2.3: an emoji (surrogates D83D...) sorts before U+FB33, although its code point is larger."""
    given = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    order = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]
    assert list(json.loads(canonical_json(given)).values()) == order


@pytest.mark.parametrize(
    ("given", "expected"),
    [  # cyberphone/json-canonicalization testdata (Apache-2.0), by the author of RFC 8785
        (r'[56, {"d": true, "10": null, "1": [ ]}]', '[56,{"1":[],"10":null,"d":true}]'),
        (
            r'{"1": {"f": {"f": "hi","F": 5} ,"\n": 56.0}, "10": { }, "": "empty", "a": { }, "111": [ { } ], "A": { }}',
            r'{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}',
        ),
        (
            '{"peach": "This sorting order", "péché": "is wrong according to French",'
            ' "pêche": "but canonicalization MUST", "sin": "ingnore locale"}',
            '{"peach":"This sorting order","péché":"is wrong according to French",'
            '"pêche":"but canonicalization MUST","sin":"ingnore locale"}',
        ),
        (r'{"Unnormalized Unicode":"\u1e0d\u0307"}', '{"Unnormalized Unicode":"\u1e0d\u0307"}'),
        (
            r'{"numbers": [1E30, 4.50, 333333333.33333329, 2e-3, 0.000000000000000000000000001],'
            r' "escaping": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}',
            '{"escaping":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/","literals":[null,true,false],'
            '"numbers":[1e+30,4.5,333333333.3333333,0.002,1e-27]}',
        ),
        (
            r'{"\u20ac": "Euro Sign", "1": "One", "\u0080": "Control\u007f", "\ud83d\ude02": "Smiley",'
            r' "\u00f6": "Latin Small Letter O With Diaeresis", "\ufb33": "Hebrew Letter Dalet With Dagesh",'
            r' "</script>": "Browser Challenge"}',
            '{"1":"One","</script>":"Browser Challenge","\u0080":"Control\u007f",'
            '"ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","\U0001f602":"Smiley",'
            '"\ufb33":"Hebrew Letter Dalet With Dagesh"}',
        ),
    ],
    ids=["arrays", "structures", "french", "unicode", "values", "weird"],
)
def test_the_files_of_json_canonicalization(given: str, expected: str) -> None:
    assert canonical_json(json.loads(given)).decode() == expected
    assert canonical_json(json.loads(expected)).decode() == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "[]"), ({}, "{}"), ("", '""'), (True, "true"), (None, "null"), (0, "0"), (-1, "-1"),
        (2**53 - 1, "9007199254740991"), (1 - 2**53, "-9007199254740991"), ((1, 2), "[1,2]"),
        ("\b\t\n\f\r\"\\/", '"\\b\\t\\n\\f\\r\\"\\\\/"'), ("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"'),
        ("\u2028é", '"\u2028é"'), (enum.IntEnum("Two", {"two": 2}).two, "2"),
    ],
)  # fmt: skip
def test_plain_values(value: Any, text: str) -> None:
    assert canonical_json(value).decode() == text


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800", {"\udfff": 1}, {1: 2}, b"x", {1, 2}, object()])
def test_what_json_cannot_carry_exactly_is_refused(value: Any) -> None:
    with pytest.raises(DetenteError):
        canonical_json(value)


def test_an_integer_too_long_to_print_is_refused_all_the_same() -> None:
    with pytest.raises(DetenteError, match="no exact JSON form"):
        canonical_json(10**5000)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=12,
)


@given(json_values)
def test_reading_it_back_gives_the_same_value_and_the_same_bytes(value: Any) -> None:
    data = canonical_json(value)
    back = json.loads(data, parse_int=float)  # JSON numbers are doubles: RFC 8785, 3.2.2.3
    assert back == value
    assert canonical_json(back) == data


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9)))
def test_the_order_of_keys_does_not_matter_to_a_digest(value: dict[str, int]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)


def test_a_digest_is_sha_256_of_the_bytes() -> None:
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.skipif(shutil.which("node") is None, reason="no ECMAScript engine here to ask")
def test_numbers_agree_with_an_ecmascript_engine() -> None:
    rng = np.random.default_rng(8785)
    bits = rng.integers(0, 2**64, 20000, dtype=np.uint64).view(np.float64)
    spread = rng.normal(size=5000) * 10.0 ** rng.integers(-25, 25, 5000)
    values = [float(x) for x in (*bits, *spread, *np.round(spread, 3)) if math.isfinite(x)]
    packed = ",".join(struct.pack(">d", v).hex() for v in values)
    script = (
        "let s='';process.stdin.on('data',d=>s+=d).on('end',()=>console.log(s.trim().split(',')"
        ".map(h=>JSON.stringify(Buffer.from(h,'hex').readDoubleBE())).join('\\n')))"
    )
    out = subprocess.run(
        ["node", "-e", script], input=packed, capture_output=True, text=True, check=True
    ).stdout
    assert [canonical_json(v).decode() for v in values] == out.split()
