"""A page that is looked at by axe, which remembers what it has found out: nothing that cannot be read is missed."""

from playwright.sync_api import Browser

from tests.pages.conftest import AXE

PAGE = """<!doctype html><html lang="en"><title>x</title><style>
main > * { color: #333; margin: 0 } .pale { color: #aaa } .dark { background: #222 } .faded { opacity: 0.4 }
.over { position: absolute; top: 0; left: 300px; width: 99px }
</style><main><h1>A heading</h1>
<p>one</p><p>two</p><p id="a" class="pale">one</p><p id="b" class="pale">two</p>
<div class="dark"><p class="pale">one</p></div><div class="dark"><p id="c" style="color: #333">two</p></div>
<div class="faded"><p id="d">one</p></div><p style="font-size: 30px; color: #888">large</p>
<p id="e" style="color: #888">small</p>
<div class="dark over">&nbsp;<br>&nbsp;</div><p id="f" class="over">over</p>
</main></html>"""


def test_what_cannot_be_read_is_found_wherever_it_stands(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(PAGE)
    violations = AXE.run(page).response["violations"]
    page.close()
    assert {one["id"]: [node["target"] for node in one["nodes"]] for one in violations} == {
        "color-contrast": [[f"#{name}"] for name in "abcdef"]
    }
