"""What the benchmarks share: the browser driver of the tests, and one thread for torch."""

import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # measure.py and others here; browser.py beside the tests


@pytest.fixture(autouse=True)
def _one_thread():
    """As the lab trains; a second thread makes small models slower, and every number noisier."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """JupyterLab on a copy of the course as it lies in the checkout, committed or not."""
    from browser import copy_course, need_chromium, start_lab

    need_chromium()
    folder = copy_course(tmp_path_factory.mktemp("course"))
    running = start_lab(folder, tmp_path_factory.mktemp("server"))
    running.folder = folder
    yield running
    running.close()


@pytest.fixture(scope="session")
def chromium(server):
    from browser import launch
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()
