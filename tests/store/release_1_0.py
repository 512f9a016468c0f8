"""A database of release 1.0."""

from pathlib import Path

from psycopg import Connection

from store.base import migrate

# The files of a release and what is in them: `sha256sum` in store/migrations wrote it.
RELEASE_1_0 = Path(__file__).parent / "release_1_0.sha256"


def checksums_of_1_0() -> dict[str, str]:
    """Name → checksum of each file of the release, of all flavours."""
    lines = (line.split() for line in RELEASE_1_0.read_text(encoding="utf-8").splitlines())
    return {name: checksum for checksum, name in lines}


def apply_1_0(conn: Connection, chosen: str) -> None:
    """Bring an empty database to where 1.0 left it."""
    released = checksums_of_1_0()
    conn.execute(migrate.CREATE_RECORD)
    for name, text in migrate.scripts(chosen).items():
        if name in released:
            conn.execute(text.encode())
            conn.execute(migrate.INSERT_APPLIED, (name, migrate.checksum(text)))
    conn.commit()


def say_something(conn: Connection) -> None:
    """Store a hundred readings of two sensors, an hour apart."""
    conn.execute(
        "INSERT INTO reading SELECT s, '2026-01-01Z'::timestamptz + n * interval '1 hour', now(), 20, NULL, NULL, 0,"
        " true FROM generate_series(0, 49) AS n, generate_series(1, 2) AS s"
    )
    conn.commit()
