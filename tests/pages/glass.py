"""A hand that signs on the glass of a telephone."""

from playwright.sync_api import Page


def sign(page: Page, glass: str, high: int) -> None:
    """Draw on the glass, so high."""
    page.locator(glass).scroll_into_view_if_needed()
    box = page.locator(glass).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 40)
    page.mouse.down()
    for nth in range(1, 9):
        page.mouse.move(box["x"] + 20 + nth * 30, box["y"] + (30 + high if nth % 2 else 30), steps=3)
    page.mouse.up()
