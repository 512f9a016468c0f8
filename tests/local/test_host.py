"""Servers are parked where they can reach their files, and die with the process that started them."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from local import trixie
from local.host import MACHINE, MEMORY, Host, account_in, discard, may_show, ourselves, this_machine
from local.server import alive, children_of
from tests.conftest import no_trixie, unavailable

ORPHAN_SECONDS = 15.0
PARENT = """
import sys, time
from pathlib import Path
from local.postgres import Postgres
Postgres(Path(sys.argv[1])).start()
print("up", flush=True)
time.sleep(600)
"""


def test_a_reachable_folder_stays_where_it_is(tmp_path: Path) -> None:
    assert ourselves().settle(tmp_path / "server") == (ourselves(), tmp_path / "server")


@pytest.mark.parametrize("where", ["machine", "trixie"])
def test_an_unreachable_folder_is_shown_to_its_server(where: str, tmp_path: Path) -> None:
    if where == "trixie" and (reason := no_trixie()):
        unavailable(reason)
    if not may_show(MACHINE):
        unavailable("NOT TESTED AS ROOT: only root mounts, where the kernel lets it")
    plain = account_in(trixie.ensure(), "postgres") if where == "trixie" else this_machine()
    tmp_path.chmod(0o700)
    host, place = plain.settle(tmp_path / "server")
    assert place == tmp_path / "server"
    assert not place.is_symlink()
    subprocess.run(host.command("touch", f"{host.inside(place)}/note"), check=True)
    assert [(file.name, file.stat().st_uid) for file in place.iterdir()] == [("note", plain.uid)]


def test_an_unreachable_folder_becomes_a_link_where_nothing_can_be_mounted(tmp_path: Path) -> None:
    host = Host(tmp_path / "debian", ourselves().uid, ourselves().gid)
    _, place = host.settle(tmp_path / "server")
    assert place.is_relative_to(tmp_path / "debian")
    assert (tmp_path / "server").resolve() == place
    assert host.inside(place) == f"/srv/hearth/{place.name}"


def test_a_parked_folder_is_found_again_and_a_new_one_is_empty(tmp_path: Path) -> None:
    host, folder = Host(tmp_path / "debian", ourselves().uid, ourselves().gid), tmp_path / "server"
    (host.settle(folder)[1] / "note").touch()
    assert [file.name for file in host.settle(folder)[1].iterdir()] == ["note"]
    folder.unlink()
    assert list(host.settle(folder)[1].iterdir()) == []


def test_a_folder_with_files_is_not_parked_away(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server/letter").touch()
    with pytest.raises(OSError, match="not empty"):
        Host(tmp_path / "debian", ourselves().uid, ourselves().gid).settle(tmp_path / "server")


def test_files_in_memory_have_one_path_also_in_a_debian_folder() -> None:
    if reason := no_trixie():
        unavailable(reason)
    host = account_in(trixie.ensure(), "postgres")
    with TemporaryDirectory(dir=MEMORY) as folder:
        Path(folder).chmod(0o711)
        host, place = host.settle(Path(folder) / "server")
        assert (host.shown, place) == (None, Path(folder) / "server")
        subprocess.run(host.command("touch", f"{host.inside(place)}/note"), check=True)
        assert [file.name for file in place.iterdir()] == ["note"]


def test_servers_do_not_run_as_root() -> None:
    done = subprocess.run(this_machine().command("id", "-u"), capture_output=True, text=True, check=True)
    assert int(done.stdout) == this_machine().uid != 0


def test_a_server_dies_with_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "server")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        (server,) = children_of(parent.pid)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + ORPHAN_SECONDS
    while alive(server):
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.05)
    discard(tmp_path / "server")
