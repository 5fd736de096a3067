import io
import json
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from seglossbench.acquisition import archives, clients
from seglossbench.acquisition.acquire import acquire
from seglossbench.acquisition.sources import (
    FilePart,
    GitPart,
    KagglePart,
    NumberedPart,
    Source,
    SynapsePart,
    Usual,
)
from seglossbench.acquisition.space import NoSpaceError
from seglossbench.errors import InputError, JobError
from tests.acquisition.conftest import dropped, ranged, send

LICENCE = {"name": "CC0", "url": "https://example.org", "allows": "anything"}


def zipped(files, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def files_of(folder):
    return sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and file.name != ".source.json"
    )


@pytest.fixture
def get(tmp_path, patience, monkeypatch):
    """A function that acquires a source of the given routes into a raw folder, and returns that."""
    monkeypatch.chdir(tmp_path)

    def get(routes=None, origin=None, exclude=(), tries=3):
        raw = tmp_path / "raw" / "toy-1"
        routes = routes or {"http": (FilePart(url="http://127.0.0.1:1/toy.zip", file="toy.zip"),)}
        source = Source(
            title="A toy",
            page="https://example.org/toy",
            labelled="2 cases",
            usual=Usual(cases=2, channels=4, classes=4, shape=(8, 8, 8)),
            layout="brats",
            licence=LICENCE,
            citation="Nobody",
            routes=routes,
            exclude=exclude,
        )
        archives = tmp_path / "archives"
        acquire(
            "toy", source, raw, routes, origin=origin, archives=archives, patience=patience.of(tries=tries)
        )
        return raw

    return get


def test_an_archive_is_fetched_and_unpacked_with_the_archives_in_it(server, get):
    server.body = zipped({"Training.tar": tarred({"case/scan.nii": b"x"}), "notes.txt": b"y"})
    part = FilePart(url=server.url, file="toy.zip")
    raw = get({"http": (part,)})
    assert files_of(raw) == ["case/scan.nii", "notes.txt"]
    facts = json.loads((raw / ".source.json").read_text())
    assert (facts["source"], facts["route"], facts["licence"]) == ("toy", "http", "CC0")
    assert facts["parts"][0]["url"] == server.url
    assert len(facts["parts"][0]["sha256"]) == 64
    assert list(raw.parents[1].glob("archives/toy/*/toy.zip")), "what was fetched is kept"


def test_archives_of_the_same_names_go_into_folders_of_their_own(server, get, tmp_path, monkeypatch):
    """As of PENGWIN, whose labels unpack to more than anyone should trust, unless it is known."""
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1000)
    images, labels = zipped({"001.mha": "image"}), zipped({"001.mha": bytes(100_000)}, zipfile.ZIP_DEFLATED)

    def answer(handler, server):
        server.body = {"images": images, "labels": labels}[handler.path[1:-4]]
        ranged(handler, server)

    server.answers = [answer]
    address = server.url.rpartition("/")[0]
    bomb = tuple(
        FilePart(url=f"{address}/{kind}.zip", file=f"{kind}.zip", folder=kind)
        for kind in ("images", "labels")
    )
    with pytest.raises(InputError, match="more than 100 times its size"):
        get({"http": bomb})
    known = (bomb[0], bomb[1].model_copy(update={"unpacked_gb": 0.001}))
    assert files_of(get({"http": known})) == ["images/001.mha", "labels/001.mha"]
    shutil.rmtree(tmp_path / "raw")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/images.zip").write_bytes(images)
    (tmp_path / "mine/labels.zip").write_bytes(labels)
    assert files_of(get({"http": known}, origin="mine")) == ["images/001.mha", "labels/001.mha"]


def test_unwanted_files_and_archives_are_left_out(server, get):
    server.body = zipped(
        {
            "set/Validation.zip": b"not even opened",
            "set/Validation/scan.nii": b"x",
            "set/Training/scan.nii": b"x",
        }
    )
    raw = get({"http": (FilePart(url=server.url, file="toy.zip", strip=1),)}, exclude=("*Validation*",))
    assert files_of(raw) == ["Training/scan.nii"]


def test_numbered_files_join_the_labels_of_an_archive_and_go_on_after_a_failure(server, get):
    archive = zipped({"root/data/case_0/labels.nii": b"l", "root/data/case_1/labels.nii": b"l"})
    bodies = iter([archive, b"first", b"second"])

    def next_body(handler, server):
        send(handler, 200, server.body, Content_Length=str(len(server.body)))

    def gone(handler, server):
        send(handler, 404, Content_Length="0")

    def answer(handler, server):
        server.body = next(bodies)
        next_body(handler, server)

    parts = (
        FilePart(url=server.url, file="labels.zip", strip=1),
        NumberedPart(url=server.url + "?{number}", numbers=(0, 1), target="data/case_{number}/image.nii"),
    )
    server.answers = [answer, answer, gone]
    with pytest.raises(JobError, match="404"):
        get({"http": parts})
    server.answers = [answer]
    raw = get({"http": parts})
    assert len(server.requests) == 4, "only the missing file is fetched"
    assert files_of(raw) == [
        f"data/case_{case}/{kind}.nii" for case in (0, 1) for kind in ("image", "labels")
    ]
    assert (raw / "data/case_1/image.nii").read_bytes() == b"second"


def test_a_failed_unpacking_leaves_no_raw_folder(server, get, tmp_path):
    server.body = b"no archive"
    with pytest.raises(InputError, match="damaged archive"):
        get({"http": (FilePart(url=server.url, file="toy.zip"),)})
    assert not (tmp_path / "raw" / "toy-1").exists()


def test_the_next_route_is_taken_where_one_fails(server, get, monkeypatch, tmp_path, capsys):
    (tmp_path / "kaggle").mkdir()
    (tmp_path / "kaggle" / "scan.nii").write_text("x")
    monkeypatch.setattr(clients, "kaggle", lambda handle, cache: tmp_path / "kaggle")
    server.answers = [lambda handler, server: send(handler, 403, Content_Length="0")]
    routes = {"http": (FilePart(url=server.url, file="toy.zip"),), "kaggle": (KagglePart(kaggle="a/b"),)}
    raw = get(routes)
    assert files_of(raw) == ["scan.nii"]
    assert json.loads((raw / ".source.json").read_text())["route"] == "kaggle"
    assert "not by route http" in capsys.readouterr().err


def test_all_routes_that_lack_something_are_named_with_what_to_do(get, monkeypatch):
    for name in clients.SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(clients, "_client", lambda module, extra: None)
    monkeypatch.setattr(clients, "_has_older_kaggle_credentials", lambda: False)
    routes = {"synapse": (SynapsePart(synapse="syn1"),), "kaggle": (KagglePart(kaggle="a/b"),)}
    with pytest.raises(InputError) as error:
        get(routes)
    for words in ("SYNAPSE_AUTH_TOKEN", "KAGGLE_API_TOKEN", "seglossbench download toy --origin PATH"):
        assert words in str(error.value)


def test_a_git_repository_at_a_revision(get, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    repository = tmp_path / "repository"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(repository)]
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    for content in ("old", "new"):
        (repository / "scan.nii").write_text(content)
        if not (repository / "link").is_symlink():
            (repository / "link").symlink_to("/etc/passwd")
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", content], check=True)
        subprocess.run([*git, "tag", content], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "old"], check=True, capture_output=True, text=True
    ).stdout.strip()
    raw = get({"git": (GitPart(git=str(repository), revision="old"),)})
    assert (raw / "scan.nii").read_text() == "old"
    assert (raw / "link").read_text() == "/etc/passwd", "a link becomes a small file, which leads nowhere"
    assert files_of(raw) == ["link", "scan.nii"]
    assert json.loads((raw / ".source.json").read_text())["parts"][0]["commit"] == commit


def test_a_repository_that_is_not_there(get, tmp_path, capfd):
    with pytest.raises(JobError, match="git fetch ended with status 128, for the reason that stands above"):
        get({"git": (GitPart(git=str(tmp_path / "nowhere")),)})
    assert "nowhere" in capfd.readouterr().err


def test_a_folder_serves_in_place_of_the_download(get, tmp_path):
    origin = tmp_path / "mine"
    (origin / "Validation").mkdir(parents=True)
    (origin / "case").mkdir()
    (origin / "case" / "scan.nii").write_text("x")
    (origin / "Validation" / "scan.nii").write_text("x")
    (origin / "more.zip").write_bytes(zipped({"case2/scan.nii": b"x"}))
    for address in (str(origin), origin.as_uri(), "mine"):
        raw = get(origin=address, exclude=("Validation*",))
        assert files_of(raw) == ["case/scan.nii", "case2/scan.nii"]
        assert (raw / "case/scan.nii").is_symlink(), "nothing of the user's is copied"
        assert (origin / "more.zip").exists()


def test_a_project_can_be_moved_with_the_folder_that_served(get, tmp_path, tmp_path_factory):
    (tmp_path / "mine" / "case").mkdir(parents=True)
    (tmp_path / "mine" / "case" / "scan.nii").write_text("x")
    raw = get(origin="mine")
    moved = tmp_path_factory.mktemp("moved") / "project"
    tmp_path.rename(moved)
    assert (moved / raw.absolute().relative_to(tmp_path) / "case/scan.nii").read_text() == "x"


def test_a_folder_of_links_serves_as_well(get, tmp_path):
    (tmp_path / "disk" / "case").mkdir(parents=True)
    (tmp_path / "disk" / "case" / "scan.nii").write_text("x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "patient").symlink_to(tmp_path / "disk" / "case")
    assert files_of(get(origin="mine")) == ["patient/scan.nii"]


def test_an_archive_serves_in_place_of_the_download(get, tmp_path, server):
    server.body = zipped({"case/scan.nii": b"x"})
    (tmp_path / "mine toy.zip").write_bytes(server.body)
    for origin in (str(tmp_path / "mine toy.zip"), (tmp_path / "mine toy.zip").as_uri(), server.url):
        assert files_of(get(origin=origin)) == ["case/scan.nii"]


def test_a_mirror_of_a_known_archive_must_be_the_same(get, server):
    server.body = zipped({"case/scan.nii": b"x"})
    part = FilePart(url="http://127.0.0.1:1/scans.zip", file="scans.zip", md5="0" * 32)
    with pytest.raises(JobError, match="its md5 is"):
        get({"http": (part,)}, origin=server.url)


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ("nowhere", "nowhere: no such file or folder"),
        ("notes.txt", r"notes\.txt: expected an archive"),
        ("http://127.0.0.1:1/notes.txt", "expected the address of an archive"),
        ("empty", "empty: holds no file that belongs to toy"),
    ],
)
def test_an_origin_that_cannot_serve_is_named(get, tmp_path, origin, message):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        get(origin=origin)


def test_two_processes_do_not_write_the_same_files(get, tmp_path):
    (tmp_path / "archives").mkdir()
    with (
        FileLock(tmp_path / "archives" / ".toy.lock"),
        pytest.raises(JobError, match="another process is getting it"),
    ):
        get(origin=str(tmp_path))


def test_an_interrupted_download_goes_on_at_the_next_call(server, get):
    server.body = zipped({"scan.nii": bytes(range(256)) * 100})
    routes = {"http": (FilePart(url=server.url, file="toy.zip"),)}
    server.answers = [dropped(1000)]
    with pytest.raises(JobError, match=r"1\.00kB are kept"):
        get(routes, tries=1)
    server.answers = [ranged]
    assert files_of(get(routes)) == ["scan.nii"]
    assert server.requests[-1]["Range"] == "bytes=1000-"


def test_raw_files_are_other_names_of_what_was_fetched(server, get):
    server.body = b"scan"
    raw = get({"http": (NumberedPart(url=server.url + "?{number}", numbers=(0, 0), target="{number}.nii"),)})
    assert Path(raw / "0.nii").stat().st_nlink == 2


def test_a_full_disk_is_no_reason_to_try_another_route(get, monkeypatch):
    def full(handle, cache):
        raise NoSpaceError("the disk is full")

    monkeypatch.setattr(clients, "kaggle", full)
    monkeypatch.setattr(clients, "git", lambda *words: pytest.fail("no other route helps"))
    with pytest.raises(NoSpaceError, match="the disk is full"):
        get({"kaggle": (KagglePart(kaggle="a/b"),), "git": (GitPart(git="x"),)})


def test_archives_in_archives_share_what_may_come_out_of_them(get, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1_000_000)
    inner = zipped({"zeros": bytes(600_000)}, zipfile.ZIP_DEFLATED)
    (tmp_path / "one.zip").write_bytes(zipped({"1/inner.zip": inner}))
    (tmp_path / "two.zip").write_bytes(zipped({"1/inner.zip": inner, "2/inner.zip": inner}))
    assert files_of(get(origin="one.zip")) == ["1/zeros"]
    with pytest.raises(InputError, match=r"two\.zip: unpacks to more than 100 times"):
        get(origin="two.zip")
    for _ in range(3):
        inner = zipped({"deeper.zip": inner})
    (tmp_path / "deep.zip").write_bytes(inner)
    with pytest.raises(InputError, match="holds archives in archives, 3 deep"):
        get(origin="deep.zip")
