"""Keycloak, an identity provider, which no Debian has: fetched by Maven by name and hash, and built once."""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from local import maven, trixie
from local.host import ourselves
from local.port import LOOPBACK
from local.server import Server

VERSION = "26.3.0"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
SHA256 = "2fa6331fe85c69e4aba3f8360342605b37f2f5d05f8a5d53042f9684474b6d92"
REALM_FILE = Path(__file__).parents[1] / "deploy/keycloak/realm.json"
REALM = "hearth"
# The administrator of a Keycloak that is reached from this machine alone, and the variables of REALM_FILE.
ADMINISTRATOR, PASSWORD = "administrator", "tests-only"
SECRETS = {"HEARTH_CLIENT_SECRET": "secret of hearth", "GRAFANA_CLIENT_SECRET": "secret of grafana"}
ADDRESSES = {"HEARTH_PUBLIC_URL": "http://hearth.example", "GRAFANA_URL": "http://grafana.example"}
# What it does not have to load.
BUILD = (
    "--db=dev-file",
    "--health-enabled=false",
    "--features-disabled=account,admin,ciba,device-flow,impersonation,par",
)
# Half of the processor time of a start is that of compilers otherwise.
JAVA = (
    "-Xms64m -Xmx320m -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
    "-Dfile.encoding=UTF-8 -Djava.security.egd=file:/dev/urandom"
)
SHARED = ("conf", "lib", "providers", "themes", "version.txt")


class Keycloak(Server):
    """A Keycloak with the realm of REALM_FILE, without people. Its folder gets a copy of the program's database."""

    answer_seconds = 300.0  # its first start, on a machine that is busy

    def __init__(self, folder: Path, program: Path, port: int | None = None) -> None:
        super().__init__(folder, port, ourselves())
        self.program = program

    @property
    def issuer(self) -> str:
        """The issuer of the realm's tokens."""
        return f"http://{LOOPBACK}:{self.port}/realms/{REALM}"

    def url(self, path: str = "") -> str:
        """Return the address of a path."""
        return f"http://{LOOPBACK}:{self.port}{path}"

    def _prepare(self) -> None:
        if (self.place / "bin").exists():
            return
        for name in SHARED:
            (self.place / name).symlink_to(self.program / name)
        # It takes the folder above its script for its home.
        shutil.copytree(self.program / "bin", self.place / "bin", ignore=shutil.ignore_patterns("client"))
        shutil.copytree(self.program / "data", self.place / "data")

    def _command(self) -> list[str]:
        options = ["--http-enabled=true", f"--http-host={LOOPBACK}", f"--http-port={self.port}", "--cache=local"]
        start = ["start", "--optimized", "--import-realm", "--hostname-strict=false", *options]
        told = {**_java(), **SECRETS, **ADDRESSES, "KC_BOOTSTRAP_ADMIN_USERNAME": ADMINISTRATOR}
        told["KC_BOOTSTRAP_ADMIN_PASSWORD"] = PASSWORD
        settings = [f"{name}={value}" for name, value in told.items()]
        return ["env", *settings, "sh", str(self.place / "bin/kc.sh"), *start]

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def program() -> Path:
    """Return where it is or will be: another place for another version, realm or way to build it."""
    made_of = hashlib.sha256(REALM_FILE.read_bytes() + repr((SHA256, BUILD, SECRETS, ADDRESSES)).encode())
    return trixie.folder().with_name(f"keycloak-{VERSION}-{made_of.hexdigest()[:16]}")


def why_not() -> str | None:
    """Say why there is none here; None when there is."""
    return maven.why_not(program(), "Keycloak")


def ensure(progress: Callable[[str], object] = print) -> Path | None:
    """Fetch and build it if it is missing and there is Java (a minute, 155 MB to fetch); raise ServerError."""
    return maven.ensure(program(), _build, f"building Keycloak {VERSION} in {program()}, once; a minute", progress)


def _build(folder: Path) -> Path:
    with zipfile.ZipFile(maven.fetched(ARTIFACT, SHA256, folder)) as packed:
        packed.extractall(folder)
    inner = folder / f"keycloak-{VERSION}"
    maven.run(["sh", str(inner / "bin/kc.sh"), "build", *BUILD], _java())
    (inner / "data/import").mkdir(parents=True)
    shutil.copy(REALM_FILE, inner / "data/import")
    _settle_database(inner)
    return inner


def _settle_database(program: Path) -> None:
    """Start it for the first time, which takes twice as long, and keep the database that it makes."""
    with tempfile.TemporaryDirectory(prefix="hearth-keycloak-") as folder:
        server = Keycloak(Path(folder), program)
        with server:
            pass
        shutil.rmtree(program / "data")
        shutil.copytree(server.place / "data", program / "data", ignore=shutil.ignore_patterns("import"))


def _java() -> dict[str, str]:
    return {"JAVA_OPTS": JAVA}
