"""Downloads against a server on this machine that behaves well, badly, slowly or not at all; no network is needed."""

import hashlib
import socket
import threading
import time
from collections import Counter
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from archives import COUNTS, MEMBERS, pack

from mtl_helpers.data import DataError
from mtl_helpers.datasets import data_folder, imdb
from mtl_helpers.datasets.download import Archive, fetch

CONTENT = bytes(range(256)) * 2000  # 512 kB: several pieces of a download
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Answers(BaseHTTPRequestHandler):
    """What the server does depends on the path that is asked for."""

    def do_GET(self):
        self.server.asked[self.path] += 1
        getattr(self, self.path.strip("/").partition(".")[0])()

    def send(self, content: bytes, announced: int | None = None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if announced is None else announced))
        self.end_headers()
        self.wfile.write(content)

    def whole(self):
        self.send(CONTENT)

    def cut(self):
        """The connection ends at the half."""
        self.send(CONTENT[: len(CONTENT) // 2], len(CONTENT))

    def chunks(self):
        """The same, of a length that was never announced."""
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n" % len(CONTENT) + CONTENT[:1000])
        self.close_connection = True

    def corrupted(self):
        self.send(CONTENT[:-1] + b"!")

    def silent(self):
        """Half of it, and then nothing, and the connection stays."""
        self.send(CONTENT[: len(CONTENT) // 2], len(CONTENT))
        self.server.enough.wait(20)

    def mute(self):
        """Takes the question and never answers."""
        self.server.enough.wait(20)

    def slow(self):
        """All of it, in pieces that come well within the timeout although the whole does not."""
        self.send(b"", len(CONTENT))
        for start in range(0, len(CONTENT), len(CONTENT) // 8):
            time.sleep(0.1)
            self.wfile.write(CONTENT[start : start + len(CONTENT) // 8])

    def packed(self):
        """Packs once more, unless it is asked not to."""
        assert self.headers["Accept-Encoding"] == "identity"
        self.send(CONTENT)

    def missing(self):
        self.send_error(404)

    def broken(self):
        self.send_error(503)

    def moved(self):
        self.redirect("/whole.bin")

    def circle(self):
        self.redirect("/circle.bin")

    def archive(self):
        self.send(self.server.archive)

    def redirect(self, where: str):
        self.send_response(302)
        self.send_header("Location", where)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    running = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    running.asked, running.enough = Counter(), threading.Event()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{running.server_port}"
    yield SimpleNamespace(
        of=lambda name: Archive("data.bin", f"{address}/{name}.bin", SHA256, 10**6), asked=running.asked, server=running
    )
    running.enough.set()
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.mark.parametrize("checksum", [SHA256, MD5, SHA256.upper().replace("SHA256", "sha256")])
@pytest.mark.parametrize("way", ["whole", "moved", "slow", "packed"])
def test_a_whole_file_is_kept_under_its_name_and_asked_for_once(server, tmp_path, way, checksum):
    archive, folder = server.of(way), tmp_path / "new" / "folder"
    for _ in range(2):
        assert fetch(archive, folder, checksum=checksum, timeout=0.5).read_bytes() == CONTENT
    assert [file.name for file in folder.iterdir()] == ["data.bin"]
    assert server.asked[f"/{way}.bin"] == 1


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("cut", "the connection broke before the end"),
        ("chunks", "the connection broke before the end"),
        ("corrupted", "what came has another checksum than the published file"),
        ("silent", "the server went silent"),
        ("mute", "the server went silent"),
        ("missing", "the server answers 404 Not Found"),
        ("broken", "the server answers 503 Service Unavailable"),
        ("circle", "the address leads in a circle"),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_nothing_and_the_next_try_succeeds(server, tmp_path, way, said):
    archive = server.of(way)
    with pytest.raises(DataError) as caught:
        fetch(archive, tmp_path, checksum=SHA256, timeout=0.5)
    for part in (said, archive.url, "data.bin", f"put it, as it is, at {tmp_path / 'data.bin'}", "MTL_DATA"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert fetch(server.of("whole"), tmp_path, checksum=SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize("way", ["cut", "chunks", "silent"])
def test_half_a_file_is_not_kept_even_without_a_checksum(server, tmp_path, way):
    with pytest.raises(DataError):
        fetch(server.of(way), tmp_path, checksum=None, timeout=0.5)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_one_message_says_what_to_do(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/data.bin"
    with pytest.raises(DataError) as caught:
        fetch(Archive("data.bin", url, SHA256, 1), tmp_path, checksum=SHA256, timeout=2)
    message = str(caught.value)
    assert message.startswith(f"data.bin could not be downloaded from {url} (no connection: is there a network?).")
    assert f"download it by hand and put it, as it is, at {tmp_path / 'data.bin'}" in message


def test_a_folder_that_can_not_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(DataError, match=r"could not be downloaded .*(Not a directory|exists).*MTL_DATA"):
        fetch(server.of("whole"), tmp_path / "file" / "under", checksum=SHA256)


def test_a_file_put_there_by_hand_is_used_and_nobody_is_asked(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(CONTENT)
    assert fetch(server.of("missing"), tmp_path, checksum=SHA256) == tmp_path / "data.bin"
    assert not server.asked


def test_a_file_put_there_by_hand_that_is_another_is_refused_and_left_alone(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(b"mine")
    found = "sha256:" + hashlib.sha256(b"mine").hexdigest()
    with pytest.raises(DataError) as caught:
        fetch(server.of("whole"), tmp_path, checksum=SHA256)
    for part in (found, SHA256, "Delete it", f"pass checksum='{found}'"):
        assert part in str(caught.value)
    assert (tmp_path / "data.bin").read_bytes() == b"mine" and not server.asked
    assert fetch(server.of("whole"), tmp_path, checksum=found).read_bytes() == b"mine"


def test_no_comparison_is_never_silent(server, tmp_path, capsys):
    fetch(server.of("whole"), tmp_path, checksum=None)
    assert capsys.readouterr().out == f"data.bin: not compared with a checksum. Its SHA-256 is {SHA256[7:]}.\n"
    for odd in ("crc:1", "", "0" * 64):
        with pytest.raises(DataError, match=r"checksum must be 'md5:...', 'sha256:...', or None"):
            fetch(server.of("whole"), tmp_path, checksum=odd)


def test_a_download_shows_a_bar_and_no_path_of_the_machine(server, tmp_path, capsys):
    fetch(server.of("slow"), tmp_path, checksum=SHA256)
    shown = capsys.readouterr()
    assert "data.bin: " in shown.err and "512k" in shown.err and str(tmp_path) not in shown.err + shown.out


def test_two_at_once_both_find_the_whole_file(server, tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch(server.of("slow"), tmp_path, checksum=SHA256).read_bytes()))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 3 and [file.name for file in tmp_path.iterdir()] == ["data.bin"]


def test_a_loader_downloads_checks_and_reads(server, tmp_path, monkeypatch):
    path = pack(tmp_path / "made.tar.gz", MEMBERS["imdb"]())
    server.server.archive = path.read_bytes()
    published = replace(server.of("archive"), file="aclImdb_v1.tar.gz")
    monkeypatch.setattr("mtl_helpers.datasets.texts.IMDB", published)
    monkeypatch.setenv("MTL_DATA", str(tmp_path / "kept"))
    checksum = "sha256:" + hashlib.sha256(server.server.archive).hexdigest()
    assert len(imdb(checksum=checksum, counts=COUNTS["imdb"])) == 12
    assert (tmp_path / "kept" / "aclImdb_v1.tar.gz").read_bytes() == server.server.archive


def test_downloads_are_kept_in_the_checkout_or_where_mtl_data_says(tmp_path, monkeypatch):
    monkeypatch.delenv("MTL_DATA", raising=False)
    assert data_folder().parts[-2:] == ("data", "cache")
    monkeypatch.setenv("MTL_DATA", str(tmp_path))
    assert data_folder() == tmp_path
