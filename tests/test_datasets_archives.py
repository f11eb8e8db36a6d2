"""The four loaders on archives that the test made in their formats: what they return, and what they refuse."""

import gzip
import hashlib
import re
import runpy
import tarfile
from functools import partial
from pathlib import Path

import pytest
import torch
from archives import (
    COUNTS,
    FORMATS,
    MEMBERS,
    bomb,
    cifar_rows,
    domain_members,
    imdb_members,
    pack,
    recording,
    review,
    special,
)

from mtl_helpers.data import (
    DataError,
    Vocabulary,
    bag_of_words,
    data_file,
    encode_reviews,
    load_reviews,
    make_loader,
    split_reviews,
)
from mtl_helpers.datasets import (
    DIGIT,
    DOMAIN,
    KIND,
    OBJECT,
    ROTATION,
    SPEAKER,
    cifar10,
    imdb,
    multi_domain_sentiment,
    spoken_digits,
    with_rotations,
)
from mtl_helpers.datasets.archive import MOST_MEMBERS
from mtl_helpers.evaluation import accuracy_by_phenomenon, evaluate
from mtl_helpers.models import CNNEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, STARS
from mtl_helpers.training import fit

LOADERS = {"imdb": imdb, "domains": multi_domain_sentiment, "cifar": cifar10, "spoken": spoken_digits}
KINDS = list(LOADERS)


def load(kind: str, folder: Path, members: dict[str, bytes] | None = None, *extra: tarfile.TarInfo):
    """Write an archive of that kind and read it."""
    pack(folder / FORMATS[kind].file, MEMBERS[kind]() if members is None else members, *extra)
    return LOADERS[kind](folder, checksum=None, counts=COUNTS[kind])


def refused(kind: str, folder: Path, members: dict[str, bytes] | None, *extra: tarfile.TarInfo) -> str:
    """What the loader says, which names the archive; nothing was written beside it."""
    with pytest.raises(DataError) as caught:
        load(kind, folder, members, *extra)
    assert [file.name for file in folder.iterdir()] == [FORMATS[kind].file]
    assert FORMATS[kind].file in str(caught.value)
    return str(caught.value)


# What they return


def test_imdb_has_the_columns_of_the_corpus_and_clean_texts(tmp_path):
    frame = load("imdb", tmp_path)
    assert list(frame.columns) == [*load_reviews().columns, "part"]
    assert frame.part.value_counts().to_dict() == COUNTS["imdb"] and frame.id.is_unique
    assert frame.id[0] == "test-neg-0" and frame.text[0] == "Caf\u00e9 no0 awful. It&s test"
    assert set(zip(frame.sentiment, frame.stars, strict=True)) == {("negative", 2.0), ("positive", 9.0)}
    assert set(frame.topic) == {"film"}


def test_multi_domain_has_the_columns_of_the_corpus_and_is_read_although_it_is_no_xml(tmp_path):
    frame = load("domains", tmp_path)
    assert list(frame.columns) == list(load_reviews().columns)
    assert frame.topic.value_counts().to_dict() == COUNTS["domains"] and set(frame.topic) == set(DOMAIN.classes)
    kitchen = frame[frame.topic == "kitchen"]
    assert kitchen.text.iloc[0] == "kitc number 0 & negative so" and kitchen.id.iloc[0] == "kitchen-negative-1"
    assert (frame.sentiment == "positive").equals(frame.stars == 4)


def test_a_review_that_is_not_utf8_is_read_as_latin1_and_its_neighbours_are_not(tmp_path):
    members = domain_members()
    members["sorted_data_acl/books/positive.review"] = (
        review(b"caf\xe9 one") + review("caf\u00e9 two".encode()) + review(b"three")
    )
    frame = load("domains", tmp_path, members)
    texts = frame.text[(frame.topic == "books") & (frame.sentiment == "positive")]
    assert list(texts) == ["caf\u00e9 one", "caf\u00e9 two", "three"]


@pytest.mark.parametrize(("kind", "tasks"), [("imdb", [SENTIMENT, STARS]), ("domains", [DOMAIN, SENTIMENT, STARS])])
def test_a_lesson_runs_on_them_with_one_line_changed(kind, tasks, tmp_path):
    members = imdb_members(12) if kind == "imdb" else domain_members(12)
    pack(tmp_path / FORMATS[kind].file, members)
    frame = LOADERS[kind](tmp_path, checksum=None, counts=None)  # in place of load_reviews()
    train, val, test = split_reviews(frame, seed=0)
    vocabulary = Vocabulary.from_texts(train.text)
    torch.manual_seed(0)
    model = MultiTaskModel(CNNEncoder(len(vocabulary), filters=8), tasks)
    loader, test_loader = (make_loader(encode_reviews(part, vocabulary, tasks), 16) for part in (train, test))
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=0.02), steps=40)
    assert evaluate(model, test_loader).accuracy["sentiment"] > 0.9
    assert bag_of_words(train, SENTIMENT).predict(val.text).shape == (len(val),)
    assert accuracy_by_phenomenon(test, [True] * len(test)).n["none"] == len(test)


def test_cifar_gives_each_picture_its_labels_in_the_order_of_the_files(tmp_path):
    train, val, test = load("cifar", tmp_path)
    assert [len(part) for part in (train, val, test)] == [90, 10, 10]
    rows = cifar_rows(10, 3)
    pictures = torch.from_numpy(rows[:, 1:].copy()).view(10, 3, 32, 32) / 255
    assert torch.equal(test.inputs, pictures) and test.targets["object"].tolist() == list(range(10))
    kinds = [KIND.classes[k] for k in test.targets["kind"]]
    assert [name for name, kind in zip(OBJECT.classes, kinds, strict=True) if kind == "vehicle"] == [
        "airplane",
        "automobile",
        "ship",
        "truck",
    ]
    both = torch.cat([train.inputs, val.inputs]).flatten(1)
    assert len(both.unique(dim=0)) == 100  # none twice, none in two parts


def test_cifar_is_held_out_by_seed_with_every_class(tmp_path):
    pack(tmp_path / FORMATS["cifar"].file, MEMBERS["cifar"]())
    read = partial(cifar10, tmp_path, val=0.2, checksum=None, counts=COUNTS["cifar"])
    one, again, other = read(seed=0).val, read(seed=0).val, read(seed=1).val
    assert torch.equal(one.inputs, again.inputs) and not torch.equal(one.inputs, other.inputs)
    assert one.targets["object"].bincount().tolist() == [2] * 10
    with pytest.raises(DataError, match=r"val=0.01 of 100 training pictures can not be held out"):
        read(val=0.01)


def test_turned_pictures_have_the_label_of_their_turn_and_no_other(tmp_path):
    test = load("cifar", tmp_path).test
    more = with_rotations(test, seed=1)
    n = len(test)
    assert torch.equal(more.inputs[:n], test.inputs) and len(more) == 2 * n
    for i, turn in enumerate(more.targets["rotation"][n:].tolist()):
        back = more.inputs[n + i].rot90(-turn, (1, 2))
        assert torch.equal(back, test.inputs[i]) and ROTATION.classes[turn] == str(90 * turn)
    assert not more.masks["rotation"][:n].any() and more.masks["rotation"][n:].all()
    for name in ("object", "kind"):
        assert more.masks[name][:n].all() and not more.masks[name][n:].any()
        assert torch.equal(more.targets[name][:n], test.targets[name])
    assert len(more.targets["rotation"][n:].unique()) > 1


def test_an_image_encoder_takes_colours(tmp_path):
    train, _, test = load("cifar", tmp_path)
    torch.manual_seed(0)
    tasks = [OBJECT, KIND, ROTATION]
    model = MultiTaskModel(ImageEncoder(channels=8, hidden=32, size=32, colours=3), tasks)
    loader = make_loader(with_rotations(train), 24, shuffle=True)
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=0.005), steps=150)
    found = evaluate(model, make_loader(with_rotations(test), 10))
    assert list(found.index) == ["object", "kind", "rotation"] and list(found.n) == [10, 10, 10]
    assert found.accuracy["object"] > 0.5  # the more red, the higher the class


def test_spoken_digits_are_padded_waves_with_their_lengths(tmp_path):
    data, takes, rate = load("spoken", tmp_path)
    assert rate == 8000 and data.inputs.shape == (60, 3 + 9 + 5) and data.inputs.dtype == torch.float32
    for row, batch in enumerate(data[[i]] for i in range(60)):
        digit, speaker = (batch.targets[task.name].item() for task in (DIGIT, SPEAKER))
        assert batch.inputs.shape == (1, data.lengths[row]) == (1, 3 + digit + speaker)
        first = (batch.inputs[0, :3] * 2**15).tolist()
        assert first == [1000 * digit, 1000 * speaker, -(2**15)] and takes[row] == digit + speaker
        assert (data.inputs[row, data.lengths[row] :] == 0).all()
    assert all(mask.all() for mask in data.masks.values())


# What they refuse


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("member", "said"),
    [
        (special("../outside.txt", tarfile.REGTYPE), "'../outside.txt': has a name that leads out of its folder"),
        (special("a/../../outside", tarfile.REGTYPE), "leads out of its folder"),
        (special("a\\..\\..\\outside", tarfile.REGTYPE), "leads out of its folder"),
        (special("/etc/outside", tarfile.REGTYPE), "'/etc/outside': has an absolute name"),
        (special("C:\\outside", tarfile.REGTYPE), "has an absolute name"),
        (special("in/link", tarfile.SYMTYPE, "/etc/passwd"), "'in/link': is a symbolic link"),
        (special("in/link", tarfile.LNKTYPE, "/etc/passwd"), "is a hard link"),
        (special("in/null", tarfile.CHRTYPE), "is a character device"),
        (special("in/disk", tarfile.BLKTYPE), "is a block device"),
        (special("in/pipe", tarfile.FIFOTYPE), "is a pipe"),
        (special("in/odd", b"Q"), "is of the unknown kind b'Q'"),
    ],
    ids=lambda value: value.name + value.type.decode() if isinstance(value, tarfile.TarInfo) else "",
)
def test_a_hostile_member_is_refused_by_name(kind, member, said, tmp_path):
    assert said in refused(kind, tmp_path, None, member)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_refused_by_the_size_it_declares(kind, tmp_path):
    wanted = next(iter(MEMBERS[kind]()))
    for name in (wanted, "somewhere/else"):
        path = bomb(tmp_path / FORMATS[kind].file, MEMBERS[kind](), name, 200 * 10**9)
        assert path.stat().st_size < 100_000_000
        with pytest.raises(DataError, match=rf"member '{name}': it would unpack to more than [\d,]+ bytes"):
            LOADERS[kind](tmp_path, checksum=None, counts=COUNTS[kind])


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_size_below_zero_does_not_lead_back_for_ever(form, tmp_path):
    bomb(tmp_path / FORMATS["imdb"].file, imdb_members(), "in/circle", -1024, form)
    with pytest.raises(DataError, match="member 'in/circle': declares -1,024 bytes"):
        imdb(tmp_path, checksum=None, counts=None)


def test_a_bomb_in_the_headers_or_in_the_number_of_members_is_refused_too(tmp_path, monkeypatch):
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 200 * 10**9
    packed = long_name.tobuf(tarfile.GNU_FORMAT) + bytes(2048)
    (tmp_path / FORMATS["imdb"].file).write_bytes(gzip.compress(packed))
    with pytest.raises(DataError, match="it would unpack to more than"):
        imdb(tmp_path, checksum=None, counts=None)
    assert MOST_MEMBERS >= 2 * 100_000  # the published IMDB archive has half as many
    monkeypatch.setattr("mtl_helpers.datasets.archive.MOST_MEMBERS", 10)
    assert "it has more than 10 members" in refused("imdb", tmp_path, None)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_is_cut_off_anywhere_is_refused(kind, tmp_path):
    path = pack(tmp_path / FORMATS[kind].file, MEMBERS[kind]())
    whole = path.read_bytes()
    for share in (0.0, 0.01, 0.3, 0.6, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DataError, match=r"is damaged or cut off.*Delete it and download it again"):
            LOADERS[kind](tmp_path, checksum=None, counts=None)
    tar = gzip.decompress(whole)
    for length in (512, 700, len(tar) // 2, len(tar.rstrip(b"\0"))):
        path.write_bytes(gzip.compress(tar[:length]))
        with pytest.raises(DataError, match="is damaged or cut off"):
            LOADERS[kind](tmp_path, checksum=None, counts=None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_is_found(kind, tmp_path):
    """By gzip's own checksum: the last bytes of the file say it is another content, and nothing is used."""
    path = pack(tmp_path / FORMATS[kind].file, MEMBERS[kind]())
    tar = bytearray(gzip.decompress(path.read_bytes()))
    packed = bytearray(gzip.compress(tar, compresslevel=0))
    packed[-2100] ^= 1  # in the padding behind the last member, where only the checksum sees it
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"at or after its end \(BadGzipFile: CRC check failed"):
        LOADERS[kind](tmp_path, checksum=None, counts=None)
    path.write_bytes(b"<html>Not found</html>")
    with pytest.raises(DataError, match="Not a gzipped file"):
        LOADERS[kind](tmp_path, checksum=None, counts=None)


def test_a_spoilt_header_is_not_taken_for_the_end(tmp_path):
    path = pack(tmp_path / FORMATS["imdb"].file, imdb_members())
    tar = bytearray(gzip.decompress(path.read_bytes()))
    tar[2048 + 150] ^= 0xFF  # the third member's checksum field
    path.write_bytes(gzip.compress(tar))
    with pytest.raises(DataError, match=r"is damaged or cut off.*no mark of an end"):
        imdb(tmp_path, checksum=None, counts=None)


@pytest.mark.parametrize("kind", KINDS)
def test_another_number_of_examples_is_refused_unless_none_are_expected(kind, tmp_path, capsys):
    path = pack(tmp_path / FORMATS[kind].file, MEMBERS[kind]())
    with pytest.raises(
        DataError, match=r"expected .*If it is another version of the data, pass its numbers: counts={'"
    ):
        LOADERS[kind](tmp_path, checksum=None)  # those of the published one
    capsys.readouterr()
    LOADERS[kind](tmp_path, checksum=None, counts=None)
    assert f"{path.name}: counts not compared; found" in capsys.readouterr().out
    pack(path, {"empty/README": b""})
    with pytest.raises(DataError, match=r"holds (nothing|test 0, train 0); expected"):
        LOADERS[kind](tmp_path, checksum=None)


SPOILT = {
    "stars out of range": (
        "imdb",
        "aclImdb/train/pos/7_11.txt",
        b"good",
        "'aclImdb/train/pos/7_11.txt'.*7 to 10 stars",
    ),
    "stars of the other side": ("imdb", "aclImdb/test/neg/7_9.txt", b"good", "in neg/ is named .* with 1 to 4 stars"),
    "odd name": ("imdb", "aclImdb/test/neg/seven.txt", b"good", "is named <number>_<stars>.txt"),
    "not UTF-8": ("imdb", "aclImdb/test/neg/7_2.txt", b"caf\xe9", "7_2.txt': byte 0xe9 at position 3 is not UTF-8"),
    "empty review": ("imdb", "aclImdb/test/neg/7_2.txt", b" <br /> ", "review test-neg-7 holds no word"),
    "unknown domain": (
        "domains",
        "sorted_data_acl/cars/positive.review",
        review(b"a"),
        "unknown domain; known are books",
    ),
    "no end": ("domains", "sorted_data_acl/dvd/positive.review", review(b"a")[:-12], "its last review has no end"),
    "no begin": ("domains", "sorted_data_acl/dvd/positive.review", review(b"a")[9:], "review 1: does not begin with"),
    "no rating": (
        "domains",
        "sorted_data_acl/dvd/positive.review",
        review(b"a") + review(b"a").replace(b"rating", b"r"),
        "review 2: has no <rating> with its end",
    ),
    "rating out of range": (
        "domains",
        "sorted_data_acl/dvd/positive.review",
        review(b"a", "6.0"),
        "dvd/positive.review', review 1: '6.0' is no rating of a positive review",
    ),
    "rating of the other side": (
        "domains",
        "sorted_data_acl/dvd/negative.review",
        review(b"a", "5.0"),
        "no rating of a negative",
    ),
    "half a row": (
        "cifar",
        "cifar-10-batches-bin/data_batch_3.bin",
        cifar_rows(2).tobytes()[:-1],
        "data_batch_3.bin': its 6,145 bytes are no whole rows of 3,073",
    ),
    "no row": ("cifar", "cifar-10-batches-bin/data_batch_3.bin", b"", "its 0 bytes are no whole rows"),
    "label out of range": (
        "cifar",
        "cifar-10-batches-bin/data_batch_3.bin",
        cifar_rows(1).tobytes() + b"\x0a" + bytes(3072),
        "data_batch_3.bin', row 1: label 10 is out of range",
    ),
    "other classes": ("cifar", "cifar-10-batches-bin/batches.meta.txt", b"cat\ndog\n", r"found \('cat', 'dog'\)"),
    "odd recording": (
        "spoken",
        "d/recordings/12_theo_1.wav",
        recording([1]),
        "'d/recordings/12_theo_1.wav'.*named <digit>",
    ),
    "unknown speaker": ("spoken", "d/recordings/1_hal_1.wav", recording([1]), "speakers are george"),
    "no wave": ("spoken", "d/recordings/1_theo_1.wav", b"RIFF", r"no readable wave file \(EOFError"),
    "stereo": ("spoken", "d/recordings/1_theo_1.wav", recording([1, 2], channels=2), "found 2 of 16 bits, 8000"),
    "8 bit": ("spoken", "d/recordings/1_theo_1.wav", recording([1, 2], width=1), "found 1 of 8 bits, 8000"),
    "44.1 kHz": ("spoken", "d/recordings/1_theo_1.wav", recording([1, 2], rate=44100), "1 of 16 bits, 44100"),
    "silence": ("spoken", "d/recordings/1_theo_1.wav", recording([]), "0 samples of the 0"),
    "wave cut off": ("spoken", "d/recordings/1_theo_1.wav", recording([1] * 9)[:-8], "5 samples of the 9"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_member_is_named(case, tmp_path):
    kind, name, content, said = SPOILT[case]
    message = refused(kind, tmp_path, {**MEMBERS[kind](), name: content})
    assert re.search(said, message), message


def test_no_training_or_test_pictures(tmp_path):
    pack(tmp_path / FORMATS["cifar"].file, {"cifar-10-batches-bin/test_batch.bin": cifar_rows(10).tobytes()})
    with pytest.raises(DataError, match="holds no train pictures"):
        cifar10(tmp_path, checksum=None, counts=None)
    pack(tmp_path / FORMATS["spoken"].file, {"a/README": b"-"})
    with pytest.raises(DataError, match="holds no recording"):
        spoken_digits(tmp_path, checksum=None, counts=None)


# The sample that ships


def test_the_sample_is_what_its_script_makes_of_the_corpus_and_reads_as_the_real_archive_does():
    made = runpy.run_path(Path(__file__).resolve().parents[1] / "data" / "make_sample_archive.py")
    shipped = data_file("sample/domain_sentiment_data.tar.gz")
    assert gzip.decompress(shipped.read_bytes()) == gzip.decompress(
        made["packed"]()
    )  # zlib's versions pack differently
    checksum = "sha256:" + hashlib.sha256(shipped.read_bytes()).hexdigest()
    frame = multi_domain_sentiment(shipped.parent, checksum=checksum, counts=dict.fromkeys(DOMAIN.classes, 8))
    corpus = load_reviews()
    assert frame.text[frame.topic != "kitchen"].isin(corpus.text).all()
    assert not frame.text[frame.topic == "kitchen"].isin(corpus.text).any()
    assert frame.text.str.contains("cr\u00e8me br\u00fbl\u00e9e").sum() == 1
