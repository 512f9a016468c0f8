"""`hearth check files`: a folder is tried out and left as it was; what is wrong is named without the address."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.errors import UsageError
from hearth.commands.check import files_kept
from hearth.settings import Settings
from store.tickets.file_contents import FolderFiles


def settings(files: str | None, command: str | None = None) -> Settings:
    kept = None if files is None else SecretStr(files)
    return Settings(database_url=SecretStr("postgresql://x"), files=kept, file_check=command)


def test_a_folder_is_tried_out_and_left_empty(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    assert "takes and gives" in files_kept(settings(f"file://{folder}", "cat -"))
    assert list(folder.iterdir()) == []
    assert files_kept(settings(None)).startswith("kept in the database")


@pytest.mark.parametrize(
    ("uri", "says"), [("file:///proc/hearth", "cannot be written and read: "), ("nowhere", "is no folder")]
)
def test_what_takes_no_files_is_named(uri: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        files_kept(settings(uri))


def test_a_store_elsewhere_that_fails_is_named_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    # As pyarrow says it of S3, where nobody listens.
    said = "When creating key 'SECRET' in bucket 'b': AWS Error NETWORK_CONNECTION during PutObject operation"

    def fail(_: FolderFiles) -> None:
        raise OSError(said)

    monkeypatch.setattr(FolderFiles, "try_out", fail)
    with pytest.raises(UsageError, match=r"read: NETWORK_CONNECTION$"):
        files_kept(settings("file:///tmp/hearth-files"))


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "files").write_bytes(b"")
    with pytest.raises(UsageError, match="HEARTH_FILES: cannot"):
        files_kept(settings(f"file://{tmp_path}/files"))


def test_a_check_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="no-such-command: no such command"):
        files_kept(settings(None, "no-such-command --quiet"))
