"""What pip is told and what it shows while the course is installed; standard library alone, parsed by old Pythons."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from http.client import HTTPException

CPU_GB = 3.0  # an installation with the test tools takes about 2 GB, and pip unpacks beside it
CUDA_GB = 10.0  # the same with the CUDA that PyPI's torch for Linux brings
CHOSEN = re.compile("(index-url|find-links|no-index)=")  # settings of pip that say where to look
CPU_TORCH = "https://download.pytorch.org/whl/cpu"


def torch_source(python: str, constraints: str) -> tuple:
    """What to tell pip of torch, and the GB it takes: PyPI's torch for Linux brings CUDA even where there is no GPU.

    Whoever told pip where to look, in a file or in the environment, is obeyed.
    """
    if CHOSEN.search(said([python, "-m", "pip", "config", "list"])) or not sys.platform.startswith("linux"):
        return [], CPU_GB
    if os.path.exists("/proc/driver/nvidia") or shutil.which("nvidia-smi"):
        print("This machine has an NVIDIA GPU: torch comes with CUDA, 3 GB to download.", flush=True)
        return [], CUDA_GB
    pinned = re.search("(?m)^torch==(.+)$", constraints).group(1)
    try:
        with urllib.request.urlopen(CPU_TORCH + "/torch/", timeout=5) as page:
            there = "torch-" + pinned + "%2Bcpu" in page.read().decode(errors="replace")
    except (OSError, HTTPException):
        there = False
    if there:
        print("No NVIDIA GPU: torch comes without CUDA, from " + CPU_TORCH, flush=True)
        return ["--extra-index-url", CPU_TORCH], CPU_GB
    print("torch comes with 3 GB of CUDA, unused here: its CPU build is not to be had from " + CPU_TORCH, flush=True)
    return [], CUDA_GB


def pip_install(python: str, options: list) -> int:
    """Run pip install; show of its hundreds of lines those that say how far it is, and its errors as they are."""
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    if re.search(r"\[[^]]*\braw\b[^]]*\]", said([*pip, "--help"])):
        pip.append("--progress-bar=raw")  # pip 24.1 and newer: lines of numbers, also into a pipe
    terminal, found = sys.stdout.isatty(), 0

    def show(text: str, end: str = "\n") -> None:
        print(("\r%-60s" if terminal else "%s") % text, end=end, flush=True)

    with subprocess.Popen([*pip, *options], stdout=subprocess.PIPE) as process:
        for line in (line.decode(errors="replace") for line in process.stdout):
            load = re.match(r"\s*Downloading (?:\S*/)?(\w+)-([^-]+)-\S+ \((\d+)\S* MB\)", line)
            progress = re.match(r"Progress (\d+) of (\d+)", line)
            if load and int(load.group(3)) >= 5:
                show("  downloading {} {}, {} MB".format(*load.groups()).replace("%2B", "+"))
            elif line.startswith("Installing collected packages"):
                show(f"  unpacking {line.count(',') + 1} packages (a minute or two) ...")
            elif terminal and line.startswith("Collecting "):
                found += 1
                show(f"  {found} packages found", end="")
            elif terminal and progress and int(progress.group(2)) >= 5e6:
                show("  {:.0f} of {:.0f} MB".format(*(int(size) / 1e6 for size in progress.groups())), end="")
    return process.returncode


def said(command: list) -> str:
    """What a command prints."""
    return subprocess.run(command, stdout=subprocess.PIPE).stdout.decode(errors="replace")
