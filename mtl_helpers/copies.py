"""The learner's own copies of the lessons, never written over; on the standard library alone, parsed by old Pythons."""

import hashlib
import json
import os

MADE = ".made_from.json"  # for each copy, what the lesson was that it was made from

OWN = "my_data"  # where lesson 09 keeps tables, reports and models of whoever sits there: no part of the course
KERNEL = {  # what ipykernel says of itself
    "name": "python",
    "mimetype": "text/x-python",
    "codemirror_mode": {"name": "ipython", "version": 3},
    "pygments_lexer": "ipython3",
    "nbconvert_exporter": "python",
    "file_extension": ".py",
}


def bring(source: str, target: str, python: str = "") -> list:
    """Make in ``target`` a copy of each file of ``source`` that it lacks, notebooks without outputs; return what to tell.

    A copy that nobody changed follows its lesson. Beside one that was changed, a new version of the lesson comes as
    ``NAME.new.ipynb``, once. A notebook is changed when the text of a cell is: to run it changes nothing. ``python`` is
    the version of the kernel: a notebook that names it is not marked as unsaved as soon as it is opened.

    Raises OSError where ``target`` cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lessons, mine = os.path.join(folder, "lessons"), os.path.join(folder, "mine")
    ...     write(os.path.join(lessons, "glossary.md"), b"as shipped")
    ...     told = bring(lessons, mine)
    ...     write(os.path.join(mine, "glossary.md"), b"with my notes")
    ...     write(os.path.join(lessons, "glossary.md"), b"as shipped later")
    ...     told += bring(lessons, mine)
    >>> told
    ['The course has a new glossary.md, and you changed yours: the new one is beside it, glossary.new.md.']
    """
    os.makedirs(target, exist_ok=True)
    made, told = _made(target), []
    before, names = dict(made), _files(source)
    for name in names:
        try:
            lesson = _fresh(os.path.join(source, name), python)
        except ValueError:
            told.append(f"{os.path.join(source, name)} cannot be read: git checkout brings it back.")
            continue
        new, mine = _version(name, lesson), _present(target, name)
        readable = not name.endswith(".ipynb") or mine is None or _cells(mine) is not None
        have = None if mine is None else _version(name, mine)
        if have is None or have == made.get(name) != new:
            write(os.path.join(target, name), lesson)
        elif have != new and (made.get(name) != new or not readable):
            beside = _beside(target, name, lesson, made)
            what = f"The course has a new {name}, and you changed yours"
            what = what if readable else f"Your {name} cannot be read as a notebook"
            told.append(f"{what}: the new one is beside it, {beside}.")
        made[name] = new
    for name in sorted(set(made) - set(names)):
        if ".new" not in name:
            del made[name]
            if _present(target, name) is not None:
                told.append(f"{name} is no longer part of the course; your copy stays.")
    if made != before:
        write(os.path.join(target, MADE), json.dumps(made, indent=1).encode("utf-8"))
    return told


def write(path: str, content: bytes) -> None:
    """Write a file whole or not at all, whoever else does so at the same time."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "wb") as file:
            file.write(content)
        os.replace(part, path)
    except OSError:
        if os.path.exists(part):
            os.remove(part)
        raise


def _files(folder: str) -> list:
    """The names of all files in a folder and its subfolders, with forward slashes; no hidden ones, and nobody's own."""
    names = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != OWN]
        paths = [os.path.relpath(os.path.join(place, name), folder) for name in files if not name.startswith(".")]
        names += [path.replace(os.sep, "/") for path in paths]
    return sorted(names)


def _present(folder: str, name: str) -> "bytes | None":
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def _made(target: str) -> dict:
    """What each copy was made from. Where that was lost, no copy counts as untouched."""
    try:
        made = json.loads((_present(target, MADE) or b"{}").decode("utf-8"))
    except ValueError:
        made = {}
    return made if isinstance(made, dict) else {}


def _cells(content: bytes) -> "list | None":
    """The kind and text of each cell of a notebook; None if it is none."""
    try:
        cells = json.loads(content.decode("utf-8"))["cells"]
        return [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    except (ValueError, KeyError, TypeError):
        return None


def _version(name: str, content: bytes) -> str:
    """What changes when somebody changes the file."""
    cells = _cells(content) if name.endswith(".ipynb") else None
    return hashlib.sha256(content if cells is None else json.dumps(cells).encode("utf-8")).hexdigest()


def _fresh(path: str, python: str) -> bytes:
    """What a new copy holds. Raises ValueError for a notebook that cannot be read."""
    with open(path, "rb") as file:
        content = file.read()
    if not path.endswith(".ipynb"):
        return content
    if _cells(content) is None:
        raise ValueError(path)
    notebook = json.loads(content.decode("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook["metadata"]["language_info"] = dict(KERNEL, version=python)
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _beside(target: str, name: str, lesson: bytes, made: dict) -> str:
    """Put the new lesson beside the learner's; one that lies there and was changed stays, too. Return its name."""
    stem, ending = os.path.splitext(name)
    number, new = 1, _version(name, lesson)
    while True:
        beside = stem + ".new" + (str(number) if number > 1 else "") + ending
        mine = _present(target, beside)
        if mine is None or _version(beside, mine) in (new, made.get(beside)):
            write(os.path.join(target, beside), lesson)
            made[beside] = new
            return beside
        number += 1
