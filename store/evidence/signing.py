"""Ed25519 signatures of seals and dossiers by the company's key. Signatures are deterministic."""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES = 32
ID_LETTERS = 16


@dataclass(frozen=True)
class SigningKey:
    """A private key."""

    private: Ed25519PrivateKey

    @classmethod
    def made(cls) -> Self:
        """Generate a key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, pem: str) -> Self:
        """Read a key in PEM.

        Raises:
            ValueError: it is no Ed25519 key in PEM, or has a passphrase.
        """
        try:
            private = serialization.load_pem_private_key(pem.encode(), None)
        except TypeError:
            raise ValueError("has a passphrase") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("is no Ed25519 key")
        return cls(private)

    @property
    def pem(self) -> str:
        """The private key in PEM (PKCS #8)."""
        kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.private.private_bytes(*kind).decode()

    @property
    def public(self) -> bytes:
        """The public key, raw."""
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The identifier by which signatures refer to the key."""
        return key_id(self.public)

    def sign(self, told: bytes) -> bytes:
        """Sign data."""
        return self.private.sign(told)


def key_id(public: bytes) -> str:
    """Return the identifier of a public key: the beginning of its SHA-256."""
    return sha256(public).hexdigest()[:ID_LETTERS]


def is_signed(public: bytes, signature: bytes, told: bytes) -> bool:
    """Verify the signature of data by a public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, told)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_public(text: str) -> bytes:
    """Read a public key in base64, as the API and `hearth seals key` print it, or in PEM.

    Raises:
        ValueError: it is neither.
    """
    if "-----BEGIN" in text:
        key = serialization.load_pem_public_key(text.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("is no Ed25519 key")
        return key.public_bytes_raw()
    try:
        public = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise ValueError("is neither base64 nor PEM") from None
    if len(public) != KEY_BYTES:
        raise ValueError(f"has {len(public)} bytes and not {KEY_BYTES}")
    return public


def of_seal(number: int, digest: bytes) -> bytes:
    """Return the bytes that a seal's signature covers."""
    return f"hearth-seal/1|{number}|{digest.hex()}".encode()


def of_dossier(root: str) -> bytes:
    """Return the bytes that a dossier's signature covers."""
    return f"hearth-dossier/1|{root}".encode()
