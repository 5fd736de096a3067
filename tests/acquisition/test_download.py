import hashlib
import json
import subprocess
import threading
from types import SimpleNamespace

import pytest

from seglossbench.acquisition.download import Patience, download
from seglossbench.acquisition.partial import shown
from seglossbench.acquisition.space import NoSpaceError
from seglossbench.errors import JobError
from tests.acquisition.conftest import BODY, dropped, partial, ranged, send, whole

MD5 = {"md5": hashlib.md5(BODY).hexdigest()}


@pytest.fixture
def fetch(server, patience, tmp_path):
    """A function that downloads from the server to scans.zip and gives its path."""
    file = tmp_path / "archives" / "scans.zip"

    def fetch(url=None, tries=4, **options):
        download(url or server.url, file, patience=patience.of(tries=tries), **options)
        return file

    fetch.file = file
    fetch.part = file.with_name("scans.zip.part")
    return fetch


def test_a_file_comes_whole_with_what_is_known_of_it(server, fetch):
    file = fetch(checksums=MD5)
    assert file.read_bytes() == BODY
    facts = json.loads(file.with_name("scans.zip.json").read_text())
    assert facts["sha256"] == hashlib.sha256(BODY).hexdigest()
    assert facts["size_bytes"] == len(BODY)
    assert not fetch.part.exists()
    fetch()
    assert len(server.requests) == 1, "what is there is not fetched again"


def test_a_dropped_line_goes_on_where_it_stopped(server, fetch):
    server.answers = [dropped(1_000_000), dropped(500_000), ranged]
    assert fetch(checksums=MD5).read_bytes() == BODY
    asked = [request.get("Range") for request in server.requests]
    assert asked == [None, "bytes=1000000-", "bytes=1500000-"]
    assert server.requests[1]["If-Range"] == '"first"'


def test_a_killed_call_goes_on_in_the_next_one(server, fetch):
    server.answers = [dropped(1_000_000)]
    with pytest.raises(JobError, match=r"after 1 tries.*1\.00MB are kept, run it again"):
        fetch(tries=1)
    assert fetch.part.read_bytes() == BODY[:1_000_000]
    server.answers = [ranged]
    assert fetch().read_bytes() == BODY
    assert server.requests[-1]["Range"] == "bytes=1000000-"


def test_progress_starts_the_count_of_tries_again(server, fetch, patience):
    server.answers = [dropped(400_000)] * 7 + [ranged]
    assert fetch(tries=2).read_bytes() == BODY
    assert len(patience.waits) == 7


def test_a_server_that_cannot_go_on_is_not_asked_for_ever(server, fetch):
    def always_from_the_start(handler, server):
        send(handler, 200, server.body[:1000], Content_Length=str(len(server.body)), ETag=server.etag)

    server.answers = [always_from_the_start]
    with pytest.raises(JobError, match="after 3 tries"):
        fetch(tries=3)
    assert len(server.requests) == 3


def test_a_server_that_ignores_the_range_starts_again(server, fetch):
    server.answers = [dropped(1_000_000), whole]
    assert fetch(checksums=MD5).read_bytes() == BODY


@pytest.mark.parametrize(("begin", "claimed"), [(0, 0), (500_000, 500_000), (1_000_001, 1_000_001)])
def test_other_bytes_than_asked_for_start_again(server, fetch, begin, claimed):
    server.answers = [
        dropped(1_000_000),
        lambda handler, server: partial(handler, server, begin, claimed),
        ranged,
    ]
    assert fetch().read_bytes() == BODY
    assert "Range" not in server.requests[-1]


def test_a_partial_answer_without_a_range_is_not_trusted(server, fetch):
    server.answers = [
        dropped(1_000_000),
        lambda handler, server: send(handler, 206, b"x", Content_Length="1"),
        ranged,
    ]
    assert fetch().read_bytes() == BODY


def test_a_changed_file_is_fetched_anew(server, fetch):
    server.answers = [dropped(1_000_000)]
    with pytest.raises(JobError):
        fetch(tries=1)
    server.body, server.etag, server.answers = BODY[::-1], '"second"', [ranged]
    assert fetch().read_bytes() == BODY[::-1]


def test_a_changed_file_is_noticed_though_the_server_ignores_if_range(server, fetch):
    server.answers = [dropped(1_000_000)]
    with pytest.raises(JobError):
        fetch(tries=1)
    server.body, server.etag = BODY[::-1], '"second"'
    server.answers = [lambda handler, server: partial(handler, server, 1_000_000, 1_000_000), ranged]
    assert fetch().read_bytes() == BODY[::-1]


def test_without_a_version_only_a_checksum_lets_it_go_on(server, fetch):
    for checksums, asked in ((None, None), (MD5, "bytes=1000000-")):
        server.answers = [dropped(1_000_000, ETag=None)]
        with pytest.raises(JobError):
            fetch(tries=1, checksums=checksums)
        server.answers = [ranged]
        fetch(checksums=checksums).unlink()
        assert server.requests[-1].get("Range") == asked


def test_errors_of_the_server_are_waited_for_twice_as_long_each_time(server, fetch, patience):
    unwell = [
        lambda handler, server, status=status: send(handler, status, Content_Length="0")
        for status in (500, 503, 502)
    ]
    server.answers = [*unwell, ranged]
    assert fetch().read_bytes() == BODY
    for wait, longest in zip(patience.waits, (1, 2, 4), strict=True):
        assert longest / 2 <= wait <= longest


def test_a_server_says_how_long_to_wait(server, fetch, patience):
    server.answers = [
        lambda handler, server: send(handler, 429, Content_Length="0", Retry_After="30"),
        ranged,
    ]
    fetch()
    assert patience.waits == [30.0]


def test_waits_are_bounded():
    patience = Patience(first_wait_s=1, longest_wait_s=60)
    assert 30 <= patience.wait_s(50) <= 60


def test_what_is_not_there_is_not_tried_again(server, fetch):
    server.answers = [lambda handler, server: send(handler, 404, Content_Length="0")]
    with pytest.raises(JobError, match=r"scans\.zip: the server answered 404.*--origin"):
        fetch()
    assert len(server.requests) == 1


def test_a_web_page_does_not_take_the_place_of_what_was_had(server, fetch):
    server.answers = [dropped(1_000_000)]
    with pytest.raises(JobError):
        fetch(tries=1)
    server.answers = [
        lambda handler, server: send(handler, 200, b"<html>", Content_Type="text/html; charset=utf-8")
    ]
    with pytest.raises(JobError, match=r"sent a web page in place of scans\.zip"):
        fetch()
    server.answers = [ranged]
    assert fetch().read_bytes() == BODY
    assert server.requests[-1]["Range"] == "bytes=1000000-"


def test_nobody_answers(fetch):
    with pytest.raises(JobError, match=r"after 4 tries.*refused"):
        fetch("http://127.0.0.1:1/scans.zip")


def test_a_silent_server_is_given_up(server, tmp_path):
    tested = threading.Event()
    server.answers = [lambda handler, server: tested.wait(5)]
    with pytest.raises(JobError, match=r"(?i)timed out"):
        download(server.url, tmp_path / "scans.zip", patience=Patience(tries=1, read_timeout_s=0.2))
    tested.set()


def test_a_wrong_checksum_removes_the_file(server, fetch):
    server.body = BODY[:-1] + b"!"
    with pytest.raises(JobError, match=rf"its md5 is \w+ and not {MD5['md5']}.*removed, run it again"):
        fetch(checksums=MD5)
    assert list(fetch.file.parent.iterdir()) == []
    server.body = BODY
    assert fetch(checksums=MD5).read_bytes() == BODY


def test_a_resumed_file_is_checked_as_a_whole(server, fetch):
    server.answers = [dropped(1_000_000)]
    with pytest.raises(JobError):
        fetch(tries=1, checksums=MD5)
    fetch.part.write_bytes(b"\0" * 1_000_000)
    server.answers = [ranged]
    with pytest.raises(JobError, match="its md5"):
        fetch(checksums=MD5)


def test_a_file_without_a_length(server, fetch):
    server.answers = [lambda handler, server: send(handler, 200, server.body)]
    assert fetch(checksums=MD5).read_bytes() == BODY


def test_chunks_that_break_off_are_noticed_without_a_length(server, fetch):
    def chunk(handler, server):
        send(handler, 200, b"5\r\nhello\r\n", Transfer_Encoding="chunked")

    server.answers = [chunk, ranged]
    assert fetch().read_bytes() == BODY


def test_a_known_size_notices_a_short_answer_without_a_length(server, fetch):
    server.answers = [lambda handler, server: send(handler, 200, server.body[:1000]), ranged]
    assert fetch(size_bytes=len(BODY)).read_bytes() == BODY


def test_a_body_that_claims_an_encoding_is_kept_as_it_came(server, fetch):
    server.answers = [
        lambda handler, server: send(
            handler, 200, server.body, Content_Length=str(len(server.body)), Content_Encoding="gzip"
        )
    ]
    assert fetch(checksums=MD5).read_bytes() == BODY


def test_room_is_asked_for_before_the_first_byte(server, fetch, monkeypatch):
    free = SimpleNamespace(free=4_000_000)
    monkeypatch.setattr("seglossbench.acquisition.space.shutil.disk_usage", lambda path: free)
    with pytest.raises(
        NoSpaceError, match=r"scans\.zip.*needs 6\.00MB and 4\.00MB are free; free 2\.00MB more"
    ):
        fetch(room=1.0)
    assert not fetch.part.exists()
    assert fetch(room=0.3).exists()


def test_a_full_disk_keeps_what_was_fetched(server, small_disk, patience, tmp_path):
    # Without a length nobody can know before that there is no room.
    server.answers = [lambda handler, server: send(handler, 200, server.body, ETag=server.etag)]
    with pytest.raises(
        NoSpaceError, match=r"disk: the disk is full; free some space and run it again: the scans\.zip\.part"
    ):
        download(server.url, small_disk / "scans.zip", patience=patience.of())
    kept = (small_disk / "scans.zip.part").read_bytes()
    assert len(kept) > 1_000_000
    assert kept == BODY[: len(kept)]
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    server.answers = [ranged]
    download(server.url, small_disk / "scans.zip", patience=patience.of(), checksums=MD5)
    assert server.requests[-1]["Range"] == f"bytes={len(kept)}-"


def test_a_small_disk_is_noticed_before_the_first_byte(server, small_disk, patience):
    with pytest.raises(NoSpaceError, match=r"needs 3\.00MB"):
        download(server.url, small_disk / "scans.zip", patience=patience.of())
    assert not list(small_disk.glob("*.part"))


def test_secrets_in_an_address_are_not_shown(server, fetch):
    assert shown("https://me:secret@host:1/a/b?token=secret#x") == "https://host:1/a/b"
    server.answers = [lambda handler, server: send(handler, 403, Content_Length="0")]
    url = server.url.replace("http://", "http://me:hunter2@") + "?token=hunter2"
    with pytest.raises(JobError) as refused:
        fetch(url)
    server.answers = [dropped(1000)]
    with pytest.raises(JobError) as failed:
        fetch(url, tries=1)
    with pytest.raises(JobError) as unreachable:
        fetch("http://me:hunter2@127.0.0.1:1/scans.zip?token=hunter2", tries=1)
    kept = fetch.file.with_name("scans.zip.json").read_text()
    assert "hunter2" not in f"{refused.value} {failed.value} {unreachable.value} {kept}"
    assert shown(url) in str(failed.value)
