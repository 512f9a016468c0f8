"""A client of the broker as paho makes it, before it connects."""

from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.address import Address

SESSION_EXPIRY_S = 7 * 86_400  # as long as the broker keeps messages for a worker that is away


def prepared(address: Address, client_id: str, modern: bool) -> Client:
    """Make a client with its account, for MQTT 5 or 3.1.1, that neither acknowledges nor reconnects by itself."""
    version = MQTTProtocolVersion.MQTTv5 if modern else MQTTProtocolVersion.MQTTv311
    session: dict[str, Any] = {} if modern else {"clean_session": False}
    session |= {"manual_ack": True, "reconnect_on_failure": False}
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version, **session)
    _named(client, address)
    return client


def lasting(address: Address, client_id: str) -> Client:
    """Make a client with its account and TLS, for MQTT 5, that comes back by itself."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
    _named(client, address)
    secure(client, address)
    return client


def _named(client: Client, address: Address) -> None:
    """Give a client the account of the address, if there is one in it."""
    if account := address.account:
        client.username_pw_set(*account)


def secure(client: Client, address: Address) -> None:
    """Prepare TLS; the files are read for each connection, so that a renewed certificate needs no restart."""
    if address.is_secure:
        # No passphrase: a key that needs one is refused rather than asked for on a terminal.
        client.tls_set(_name(address.ca_file), _name(address.cert_file), _name(address.key_file), keyfile_password="")


def staying(expiry_s: int = SESSION_EXPIRY_S) -> Properties:
    """Return the properties of a CONNECT whose session outlives the connection."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = expiry_s
    return properties


def ending() -> Properties:
    """Return the properties of a DISCONNECT that ends the session."""
    properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0
    return properties


def _name(file: Path | None) -> str | None:
    return str(file) if file else None
