"""The installation shows how far it is, and takes torch without CUDA where no GPU is: with a pip and an index of our own."""

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtl_helpers import __main__ as launcher
from mtl_helpers import installing

PINS = "accelerate==1.15.0\ntorch==2.13.0\ntorchjd==0.18.0\n"
WHEELS = '<a href="torch-2.12.0%2Bcpu-cp312.whl">a</a> <a href="torch-2.13.0%2Bcpu-cp312-cp312-linux_x86_64.whl">b</a>'
# As pip 24.2 writes it into a pipe; from an index and from its cache.
TRANSCRIPT = """Looking in indexes: https://pypi.org/simple, https://download.pytorch.org/whl/cpu
Obtaining file:///course
  Installing build dependencies: started
Collecting torch<3,>=2.6 (from mtl-helpers==0.1.0)
  Downloading https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-cp312-cp312-linux_x86_64.whl.metadata (28 kB)
Collecting pandas<4,>=2.2 (from mtl-helpers==0.1.0)
  Using cached pandas-3.1.1-cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl (12.4 MB)
Collecting six
  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)
Progress 0 of 11000
Progress 11000 of 11000
Downloading https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-cp312-cp312-linux_x86_64.whl (189.3 MB)
Progress 0 of 189267968
Progress 94633984 of 189267968
Installing collected packages: six, torch, pandas
Successfully installed pandas-3.1.1 six-1.17.0 torch-2.13.0+cpu
"""
PIP = """#!{python}
import json, os, sys
here, arguments = os.path.dirname(os.path.abspath(__file__)), sys.argv[1:]
if arguments[2] == "config":
    print(open(os.path.join(here, "config"), encoding="utf-8").read())
elif "--help" in arguments:
    print("  --progress-bar <progress_bar>\\n     Specify whether it should be used\\n     [{bars}] (default: on)")
else:
    json.dump(arguments, open(os.path.join(here, "arguments"), "w", encoding="utf-8"))
    sys.stdout.buffer.write(open(os.path.join(here, "transcript"), "rb").read())
    sys.exit({code})
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pip of these tests is a script with a first line")


@pytest.fixture
def venv(tmp_path) -> Path:
    """A .venv whose pip writes down what it is told."""
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "config").write_text("global.timeout='60'\nglobal.constraint='/etc/c.txt'", encoding="utf-8")
    (folder / "transcript").write_text(TRANSCRIPT, encoding="utf-8")
    new_pip(folder)
    return folder


def new_pip(folder: Path, bars: str = "on, off, raw", code: int = 0) -> None:
    (folder / "python").write_text(PIP.format(python=sys.executable, bars=bars, code=code), encoding="utf-8")
    (folder / "python").chmod(0o755)


def told(venv: Path) -> list[str]:
    return json.loads((venv / "arguments").read_text(encoding="utf-8"))


@pytest.fixture
def plain_linux(monkeypatch):
    """A Linux with no GPU, and an index of CPU builds that answers."""
    monkeypatch.setattr(installing.sys, "platform", "linux")
    exists, which = os.path.exists, shutil.which
    monkeypatch.setattr(installing.os.path, "exists", lambda path: path != "/proc/driver/nvidia" and exists(path))
    monkeypatch.setattr(installing.shutil, "which", lambda name: None if name == "nvidia-smi" else which(name))
    with serving(lambda path: WHEELS if path == "/whl/cpu/torch/" else None) as url:
        monkeypatch.setattr(installing, "CPU_TORCH", url + "/whl/cpu")
        yield url + "/whl/cpu"


@contextmanager
def serving(page):
    """The address of a web server whose pages a function gives; None is not found."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = page(self.path)
            content = found if isinstance(found, bytes) else (found or "").encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "text/html" if isinstance(found, str) else "application/octet-stream")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def choice(venv: Path) -> tuple[list[str], float]:
    return installing.torch_source(str(venv / "python"), PINS)


def test_a_linux_without_a_gpu_gets_torch_without_cuda(venv, plain_linux, capsys):
    assert choice(venv) == (["--extra-index-url", plain_linux], installing.CPU_GB)
    assert capsys.readouterr().out == f"No NVIDIA GPU: torch comes without CUDA, from {plain_linux}\n"


@pytest.mark.parametrize("sign", ["driver", "tool"])
def test_with_a_gpu_torch_comes_with_cuda_and_asks_for_its_room(venv, plain_linux, monkeypatch, capsys, sign):
    if sign == "driver":
        monkeypatch.setattr(installing.os.path, "exists", lambda path: path == "/proc/driver/nvidia")
    else:
        monkeypatch.setattr(installing.shutil, "which", lambda name: "/usr/lib/wsl/lib/" + name)
    assert choice(venv) == ([], installing.CUDA_GB)
    assert "has an NVIDIA GPU" in capsys.readouterr().out


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_pypi_s_torch_has_no_cuda(venv, plain_linux, monkeypatch, capsys, platform):
    monkeypatch.setattr(installing.sys, "platform", platform)
    assert choice(venv) == ([], installing.CPU_GB) and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "setting",
    ["index-url='https://mirror'", "extra-index-url='file:///simple'", "find-links='/wheels'", "no-index='1'"],
)
@pytest.mark.parametrize("place", ["global.", "user.", ":env:."])
def test_who_told_pip_where_to_look_is_obeyed(venv, plain_linux, capsys, place, setting):
    (venv / "config").write_text(f"global.timeout='60'\n{place}{setting}", encoding="utf-8")
    assert choice(venv) == ([], installing.CPU_GB) and capsys.readouterr().out == ""


def test_pip_tells_of_its_own_file_and_of_the_environment_alike(tmp_path):
    """A real pip, since the setting is read from what it prints."""
    (tmp_path / "pip.conf").write_text("[install]\nextra-index-url = https://mirror\n", encoding="utf-8")
    names = [name for name in os.environ if name.startswith("PIP_")]
    clean = {name: value for name, value in os.environ.items() if name not in names}
    for setting in ({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}, {"PIP_EXTRA_INDEX_URL": "https://mirror"}):
        command = [sys.executable, "-m", "pip", "config", "list"]
        said = subprocess.run(command, env={**clean, **setting}, capture_output=True, encoding="utf-8").stdout
        assert installing.CHOSEN.search(said), said


@pytest.mark.parametrize("pages", [None, '<a href="torch-2.12.0%2Bcpu-cp312.whl">', b"\xff\xfe"])
def test_an_index_without_this_torch_is_not_used(venv, plain_linux, monkeypatch, capsys, pages):
    with serving(lambda path: pages) as url:
        monkeypatch.setattr(installing, "CPU_TORCH", url)
        assert choice(venv) == ([], installing.CUDA_GB)
    assert "its CPU build is not to be had from " + url in capsys.readouterr().out


def test_an_index_that_cannot_be_reached_costs_a_moment(venv, plain_linux, monkeypatch, capsys):
    begun = time.time()
    for url in ("http://127.0.0.1:1", "http://no-such-host.invalid/whl/cpu"):
        monkeypatch.setattr(installing, "CPU_TORCH", url)
        assert choice(venv) == ([], installing.CUDA_GB)
    assert time.time() - begun < 20 and capsys.readouterr().out.count("not to be had") == 2


def test_an_index_that_never_answers_costs_a_moment(venv, plain_linux, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(installing, "CPU_TORCH", f"http://127.0.0.1:{silent.getsockname()[1]}")
        begun = time.time()
        assert choice(venv) == ([], installing.CUDA_GB) and time.time() - begun < 20


def test_of_pip_s_lines_those_are_shown_that_say_how_far_it_is(venv, capsys):
    assert installing.pip_install(str(venv / "python"), ["-e", "course"]) == 0
    assert capsys.readouterr().out == (
        "  downloading torch 2.13.0+cpu, 189 MB\n  unpacking 3 packages (a minute or two) ...\n"
    )
    assert told(venv) == ["-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=raw", "-e", "course"]


def test_on_a_terminal_a_number_moves(venv, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    installing.pip_install(str(venv / "python"), [])
    moved = [part.strip() for part in capsys.readouterr().out.split("\r")]
    assert moved[1:4] == ["1 packages found", "2 packages found", "3 packages found"]
    assert moved[4:] == [
        "downloading torch 2.13.0+cpu, 189 MB",
        "0 of 189 MB",
        "95 of 189 MB",
        "unpacking 3 packages (a minute or two) ...",
    ]


def test_an_older_pip_is_not_asked_for_what_it_lacks(venv):
    new_pip(venv, bars="on, off")
    installing.pip_install(str(venv / "python"), [])
    assert not [word for word in told(venv) if "progress" in word]


def test_a_real_pip_says_what_is_looked_for(tmp_path, capfd):
    """6 MB from an index of our own, installed into an empty folder."""
    wheel = tmp_path / "large_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("large_thing.py", b"#" * 6_000_000)
        file.writestr("large_thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: large-thing\nVersion: 1.0\n")
        file.writestr(
            "large_thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("large_thing-1.0.dist-info/RECORD", "")
    pages = {"/large-thing/": f'<a href="/{wheel.name}">{wheel.name}</a>', f"/{wheel.name}": wheel.read_bytes()}
    with serving(pages.get) as url:
        options = ["--target", str(tmp_path / "site"), "--index-url", url, "--no-cache-dir", "large-thing"]
        assert installing.pip_install(sys.executable, options) == 0
    assert (tmp_path / "site" / "large_thing.py").is_file()
    shown = capfd.readouterr().out
    assert shown == "  downloading large_thing 1.0, 6 MB\n  unpacking 1 packages (a minute or two) ...\n"


# All of it, as `make lab` does it


@pytest.fixture
def course(venv, plain_linux, monkeypatch) -> Path:
    root = venv.parents[1]
    (root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    (root / "constraints.txt").write_text(PINS, encoding="utf-8")
    monkeypatch.setattr(launcher, "ROOT", str(root))
    monkeypatch.setattr(launcher, "VENV", str(root / ".venv"))
    monkeypatch.setattr(launcher, "environment", lambda: str(venv / "python"))
    return root


def test_the_course_is_installed_once_and_then_needs_neither_pip_nor_network(course, venv, plain_linux, capsys):
    launcher.install()
    arguments = told(venv)
    assert arguments[arguments.index("--extra-index-url") + 1] == plain_linux
    assert arguments[-4:] == ["-c", str(course / "constraints.txt"), "-e", f"{course}[large]"]
    assert "takes a few minutes" in capsys.readouterr().out
    new_pip(venv, code=1)  # whatever is asked of it now fails
    assert launcher.install() == str(venv / "python") and capsys.readouterr().out == ""


def test_an_installation_that_failed_is_begun_again(course, venv):
    new_pip(venv, code=1)
    with pytest.raises(SystemExit, match="pip could not install the course"):
        launcher.install()
    new_pip(venv)
    (venv / "arguments").unlink()
    launcher.install()
    assert told(venv)


def test_cuda_needs_more_room(course, monkeypatch):
    monkeypatch.setattr(launcher.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 5e9}))
    launcher.install()  # without CUDA it is enough
    (course / ".venv" / ".installed-course").unlink()
    monkeypatch.setattr(installing.shutil, "which", lambda name: "/usr/bin/" + name)
    with pytest.raises(SystemExit, match=r"only 5\.0 GB free in .*; the course needs 10 GB"):
        launcher.install()


def test_ctrl_c_ends_in_a_sentence(monkeypatch):
    def interrupted(*extras):
        raise KeyboardInterrupt

    monkeypatch.setattr(launcher, "install", interrupted)
    with pytest.raises(SystemExit, match=r"stopped\. The same command goes on"):
        launcher.main(["install"])
