"""A form with a file whose session ends while it is filled in: its fields are kept, the file is chosen once more."""

import pytest
from playwright.sync_api import expect

from api.staff.session import COOKIE
from store.staff import session_rows
from tests.api.conftest import Api
from tests.api.desk import Desk
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages.conftest import DESKTOP, PHONE, Visitors
from tests.pages.crew.phone import photo

LATER = {"zh": "不能保留：登录后在下一页重新选择", "en": "cannot be kept: after signing in, choose it again"}
CHOOSE = {"zh": "重新选择文件", "en": "Choose the file again"}
SIZES = {"phone": PHONE, "desk": DESKTOP}


@pytest.mark.parametrize(("language", "size"), [("zh", "phone"), ("en", "desk")])
@pytest.mark.parametrize("ended", ["in the browser", "at the server"])
def test_fields_of_a_form_with_a_file_outlive_the_session(
    api: Api, visitor: Visitors, language: str, size: str, ended: str
) -> None:
    desk = Desk(api)
    number = desk.opened()["number"]
    staff_id = member(api.conn)
    person = visitor.signed_in(session_of(api.conn, staff_id), language, SIZES[size])
    api.conn.commit()
    page = person.page
    person.go(f"/desk/tickets/{number}")
    page.set_input_files("#file", photo(30, 20))
    page.select_option("#file-kind", index=1)
    kind = page.input_value("#file-kind")
    page.check("#file-for-user")
    if ended == "in the browser":
        page.context.clear_cookies(name=COOKIE)
    else:
        session_rows.end_all(api.conn, staff_id, NOW)
        api.conn.commit()
    page.click(".file-form button")

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("main")).to_contain_text("IMG_1.jpg")
    expect(page.locator("main")).to_contain_text(LATER[language])
    assert page.locator("main input[type=file]").count() == 0
    person.errors = [one for one in person.errors if "401" not in one]
    person.keep(f"again-file-signed-out-{language}-{size}")
    person.is_well()
    page.context.add_cookies([{"name": COOKIE, "value": session_of(api.conn, staff_id), "url": person.base}])
    api.conn.commit()

    page.click("main button")
    page.get_by_label(CHOOSE[language]).set_input_files(photo(30, 20))
    expect(page.locator("main")).to_contain_text("IMG_1.jpg")
    person.errors = [one for one in person.errors if "403" not in one]
    person.keep(f"again-file-signed-in-{language}-{size}")
    person.is_well()
    page.click("main button")
    page.wait_for_url("**done=attached")
    kept = api.conn.execute("SELECT kind, for_user FROM ticket_file").fetchall()
    assert kept == [(kind, True)]
