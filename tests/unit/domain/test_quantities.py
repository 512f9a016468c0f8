"""Words of quantities."""

from domain.quality import SPANS
from domain.words.quantities import QUANTITY_TEXTS


def test_every_quantity_has_a_name_and_a_unit() -> None:
    assert QUANTITY_TEXTS.keys() == SPANS.keys()
    assert len({text.name for text in QUANTITY_TEXTS.values()}) == len(SPANS)
