"""Values that a payload may have in any place, as they stand in JSON: numbers, texts and shapes beyond all measure."""

DEEP, MANY = 600, 6_000
WORDS = (15, 31, 32, 53, 63, 64, 127)  # bits
NUMBERS = [
    *("1e400", "-1e400", "1e-400", "-0", "-0.0", "1e308", "3.5e38", "1e18", "1768449660e9", "NaN", "-Infinity"),
    *("9" * 400, "-" + "9" * 400, "9" * 5_000, "0." + "9" * 400, "253402300799999", "253402300800000"),
    *("-62135596800001", "8640000000000001"),
    *(str(sign * (2**bits + off)) for bits in WORDS for sign in (1, -1) for off in (-1, 0, 1)),
]
TEXTS = [
    *(r"\ud800", r"\udfff\ud800", r"\u0000", r"\u0000\ud800\uffff", "", " ", "\U0010ffff", "%s", "{}", r"\\"),
    *("x" * 70_000, "9" * 5_000, r"\u0660" * 20, "1e400", "nan", "-inf", "1_000", "٣", "[[[[", "[" * DEEP),
    *("0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00+14:00", "10000-01-01T00:00:00Z"),
    *("2026-02-29T12:00:00Z", "2026-01-15T12:00:60Z", "2026-01-15T12:00:00+99:99", f"2026-01-15T12:00:00.{'1' * 400}Z"),
    *("99999999999999999999", "20261340256199", "41" * 40_000, "AAAA===="),
]
SHAPES = [
    *("null", "true", "false", "{}", "[]", "[null]", "[[]]", "[{}]", '{"":{}}', r'{"\ud800":1}', '{"a":1,"a":2}'),
    *('{"value":{}}', "[1e400,[-1e400]]", "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * DEEP),
    "{" + ",".join(f'"{n}":1' for n in range(MANY)) + "}",
    *(f"[{','.join([each] * MANY)}]" for each in ("1", "[]", '{"id":"s","temperature":1}')),
]
HOSTILE = [*NUMBERS, *(f'"{text}"' for text in TEXTS), *SHAPES]
