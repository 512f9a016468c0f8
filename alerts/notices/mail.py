"""One e-mail to one address, by SMTP (RFC 5321), with a Message-ID that stays the same at every attempt."""

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple
from uuid import UUID

from domain.notices import NotSent, SendFault


@dataclass(frozen=True, kw_only=True)
class Account:
    """A mail server, and who we are there."""

    host: str
    port: int
    security: str  # insecure | starttls | ssl
    verified: bool
    user: str | None
    password: str | None = field(repr=False)


class Envelope(NamedTuple):
    """A mail as the server gets it."""

    sender: str
    receiver: str
    data: bytes


def envelope(
    sender: Sequence[str | bool], receiver: Sequence[str | bool], key: UUID, subject: str, body: str, at: datetime
) -> Envelope:
    """Write a mail. The same arguments give the same bytes.

    Args:
        sender, receiver: name (or False) and address.
        at: when it was written.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = _address(sender), _address(receiver)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{key}@{str(sender[1]).rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers by machines
    mail.set_content(body, cte="base64")
    return Envelope(str(sender[1]), str(receiver[1]), mail.as_bytes())


def _address(who: Sequence[str | bool]) -> Address:
    return Address(display_name=str(who[0] or ""), addr_spec=str(who[1]))


def send(account: Account, mail: Envelope, timeout_s: float) -> None:
    """Hand a mail over; the server has it when this returns.

    Raises:
        NotSent: it was refused, or nobody knows.
    """
    session = None
    try:
        session = _open(account, timeout_s)
        _hand_over(session, mail)
    except smtplib.SMTPResponseException as error:
        # Of the session, not of this mail: once a wrong password is corrected, all mails go out.
        raise NotSent(SendFault.REFUSED_FOR_NOW, f"SMTP {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(SendFault.UNREACHABLE, type(error).__name__) from None
    finally:
        if session is not None:
            with suppress(OSError, smtplib.SMTPException):
                session.quit()
            session.close()


def _open(account: Account, timeout_s: float) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if not account.verified:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if account.security == "ssl":
        session: smtplib.SMTP = smtplib.SMTP_SSL(account.host, account.port, timeout=timeout_s, context=context)
    else:
        session = smtplib.SMTP(account.host, account.port, timeout=timeout_s)
    try:
        if account.security == "starttls":
            session.starttls(context=context)
        session.ehlo_or_helo_if_needed()
        if account.user and account.password:
            session.login(account.user, account.password)
    except BaseException:
        session.close()
        raise
    return session


def _hand_over(session: smtplib.SMTP, mail: Envelope) -> None:
    _expect(session.mail(mail.sender))
    _expect(session.rcpt(mail.receiver))
    try:
        answer = session.data(mail.data)
    except smtplib.SMTPDataError as error:
        answer = (error.smtp_code, b"")
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        raise NotSent(SendFault.UNREACHABLE, f"{type(error).__name__} after DATA", unsure=True) from None
    _expect(answer)


def _expect(answer: tuple[int, bytes]) -> None:
    """Take a positive answer to what concerns this mail alone; 5xx is for good."""
    code = answer[0]
    if code >= 500:
        raise NotSent(SendFault.REFUSED, f"SMTP {code}", permanent=True)
    if code >= 400 or code < 200:
        raise NotSent(SendFault.REFUSED_FOR_NOW, f"SMTP {code}")
