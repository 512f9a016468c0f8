"""Forms that offer what the API offers, and the other way round."""

READING = {"GET", "HEAD", "OPTIONS"}
# Each operation by which the staff changes or asks for something, and the forms that offer it.
WAYS = {
    "POST /v1/homes/{code}/registry": {"POST /desk/homes/{code}/facts"},
    "POST /v1/homes/{code}/heat": {"POST /desk/homes/{code}/heat"},
    "POST /v1/homes/{code}/sensors": {"POST /desk/homes/{code}/sensors"},
    "POST /v1/homes/{code}/sensors/end": {"POST /desk/homes/{code}/sensors/end"},
    "POST /v1/homes/{code}/contacts/reveal": {"POST /desk/homes/{code}/contacts/reveal"},
    "POST /v1/homes/{code}/contacts": {"POST /desk/homes/{code}/contacts"},
    "POST /v1/homes/{code}/wechat": {"POST /desk/homes/{code}/wechat"},
    "DELETE /v1/homes/{code}/wechat": {"POST /desk/homes/{code}/wechat/end"},
    "POST /v1/tokens": {"POST /desk/tokens"},
    "POST /v1/tokens/{id}/end": {"POST /desk/tokens/{id}/end"},
    "POST /v1/registry/uploads": {"POST /desk/registry/uploads", "POST /desk/measurements/plan"},
    "POST /v1/registry/uploads/{sha256}/apply": {"POST /desk/registry/uploads/{sha256}/apply"},
    "POST /v1/homes/{code}/refund-facts": {"POST /desk/homes/{code}/refund/facts"},
    "POST /v1/homes/{code}/refund-sheets": {"POST /desk/homes/{code}/refund/sheets"},
    "POST /v1/refund-sheets/{number}/approval": {
        "POST /desk/refunds/{number}/approval",
        "POST /desk/refunds/approvals",
    },
    "POST /v1/refund-payments": {"POST /desk/refunds/payments"},
    "POST /v1/rules/drafts": {"POST /desk/rules", "POST /desk/rules/policy.toml"},
    "POST /v1/rules/trials": {"POST /desk/rules/trial"},
    "POST /v1/rules/trials/file": {"POST /desk/rules/trial"},
    "POST /v1/tickets": {"POST /desk/call/place"},
    "POST /v1/homes/{code}/tickets": {"POST /desk/call/take"},
    "POST /v1/tickets/{number}/events": {
        "POST /desk/tickets/{number}",
        "POST /desk/call/attempt",
        "POST /desk/map/crew",
        "POST /desk/map/crew/send",
        "POST /crew/jobs/{number}",
    },
    "POST /v1/tickets/{number}/files": {"POST /desk/tickets/{number}/files", "POST /crew/tickets/{number}/files"},
    "POST /v1/homes/{code}/applications": {"POST /desk/applications"},
    "POST /v1/applications": {"POST /desk/applications"},
    "POST /v1/cases": {"POST /desk/cases"},
    "POST /v1/cases/{number}/follow-ups": {"POST /desk/tickets/{number}/follow-ups"},
    "POST /v1/cases/{number}/identity": {"POST /desk/tickets/{number}/contact"},
    "POST /v1/homes/{code}/measurements": {"POST /desk/measurements/home", "POST /crew/jobs/{number}/measurements"},
    "POST /v1/homes/{code}/measurement-requests": {"POST /desk/measurements/request", "POST /desk/measurements/where"},
    "POST /v1/outages/preview": {"POST /desk/outages/draft"},
    "POST /v1/outages": {"POST /desk/outages"},
    "POST /v1/outages/{number}/events": {"POST /desk/outages/{number}", "POST /desk/outages/{number}/draft"},
    "PUT /v1/rota/stations/{station}": {"POST /desk/rota/stations"},
    "DELETE /v1/rota/stations/{station}": {"POST /desk/rota/stations/end"},
    "POST /v1/peers/messages/{key}/again": {"POST /desk/peers/messages/{key}/again"},
    "POST /v1/peers/messages/{key}/pass-over": {"POST /desk/peers/messages/{key}/pass-over"},
    "POST /v1/tickets/{number}/peers": {"POST /desk/peers/{peer}/tickets"},
    "POST /v1/rota/shifts": {"POST /desk/rota/plan"},
    "POST /v1/rota/shifts/{number}/cancel": {"POST /desk/rota/shifts/{number}/cancel"},
    "POST /v1/rota/swaps": {"POST /desk/rota/swaps"},
    "POST /v1/rota/swaps/{number}/answer": {"POST /desk/rota/swaps/{number}/{answer}"},
    "POST /v1/rota/swaps/{number}/withdraw": {"POST /desk/rota/swaps/{number}/{answer}"},
    "POST /v1/rota/calendar": {"POST /desk/rota/calendar"},
    "DELETE /v1/rota/calendar": {"POST /desk/rota/calendar/end"},
}
# Forms that a GET of the API answers: they are forms so that what is typed, or shown, is in no address and no log.
READ_BY_FORM = {
    "POST /desk/call": "GET /v1/homes",
    "POST /desk/registry": "GET /v1/homes",
    "POST /desk/measurements": "GET /v1/homes",
    "POST /desk/map/homes": "GET /v1/homes",
    "POST /crew/jobs/{number}/contact": "GET /v1/tickets/{number}",
}
# Ways in are given by people to people. A token of a machine makes none: it would outlive the token.
WAYS_IN = ("/sign-in", "/sign-out", "/invitation", "/account", "/desk/staff")
# Of the customers alone, and of platforms.
NOT_OF_THE_STAFF = {
    "POST /v1/tickets/{number}/statements",
    "POST /v1/tickets/{number}/rating",
    "POST /v1/tickets/{number}/agreement",
    "POST /v1/applications/{number}/signature",
    "POST /v1/uplinks/{source}",
    "POST /v1/exchange/{peer}",
    "POST /v1/wechat/bindings",
}
# By the API alone: their pages are not made yet.
NO_PAGE_YET: set[str] = set()
