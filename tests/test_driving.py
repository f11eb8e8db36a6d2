"""The driving simulator: what it draws and says is read back by rules that know nothing of how it was made."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.signal import ShortTimeFFT

from mtl_helpers.data import DataError
from mtl_helpers.driving import (
    ACTION,
    COMMAND,
    DRIVING_TASKS,
    OBSTACLE,
    RANGES,
    RATE,
    SIGN,
    bayes_ceilings,
    drive_rows,
    encode_drives,
    hertz_to_mel,
    keep_route_labels,
    log_mel,
    make_drives,
    mel_filters,
    render,
    route_action,
    speak,
    standardise,
    waypoints,
    with_action,
)
from mtl_helpers.driving.road import place_on_road

# A scene that a rule can read: no fog, rain or grain, in full light.
CLEAR = {"light": 1.0, "fog": 0.0, "rain": 0.0, "grain": 0.0}
STANDS = {"along": -1.6, "aside": 0.0, "turned": 0.0, "decided": False}
QUIET = {"hum": 0.0, "tract": 1.0, "pitch": 120.0, "lasts": 0.4, "begins": 0.03, "loud": 1.0}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return drive_rows(240, seed=5)


# A reader by rules: colours and places for the camera, the formants' paths for the microphone.


def read_sign(frame: np.ndarray) -> str:
    """By the colours above the horizon, and by on which side a sign that is half closed is blue."""
    red, green, blue = frame[:, : int(0.39 * frame.shape[1]), int(0.35 * frame.shape[2]) :]
    is_red, is_blue = (red > 0.5) & (green < 0.3), (blue > 0.5) & (red < 0.3)
    if is_red.sum() < 20:
        return "none"
    if is_blue.sum() < 20:
        ys, xs = np.nonzero(is_red)
        inside = np.s_[ys.min() : ys.max(), xs.min() : xs.max()]
        white = (red > 0.85) & (green > 0.85) & (blue > 0.85)
        return "no entry" if white[inside].mean() > 0.05 else "stop"
    return "left only" if np.nonzero(is_blue)[1].mean() < np.nonzero(is_red)[1].mean() else "right only"


def read_obstacle(frame: np.ndarray) -> str:
    """By colours at the height of the crossing that are stronger than those of road and grass."""
    size = frame.shape[1]
    band = frame[:, int(0.46 * size) : int(0.52 * size), :]
    car = band.max(axis=0) - band.min(axis=0) > 0.34
    if car.mean() < 0.03:
        return "none"
    at = np.median(np.nonzero(car)[1]) / size
    return "left" if at < 0.4 else "middle" if at < 0.6 else "right"


VOWELS = {  # first and second formant of men's vowels, Peterson & Barney 1952, and when in the word the vowel stands
    "left": (530, 1840, 0.37, 0.53),
    "right": (730, 1090, 0.37, 0.5),
    "ahead": (530, 1840, 0.5, 0.8),
    "stop": (570, 840, 0.55, 0.75),
    "turn": (490, 1350, 0.3, 0.65),
    "pass": (660, 1720, 0.2, 0.45),
}


def plain(command="left", sign="none", obstacle="none", **changes) -> pd.DataFrame:
    """One drive in clear weather, said by a clear voice."""
    row = drive_rows(1, seed=0).assign(
        command=command, sign=sign, obstacle=obstacle, shift_x=0.0, shift_y=0.0, bend=0.0
    )
    return with_action(row.assign(**{**CLEAR, **QUIET, **STANDS, **changes}))


def test_every_scene_is_read_back_by_a_rule(rows):
    """All 20 scenes, in the places, bends and paints that are drawn; fails if a label is another picture's."""
    frames = render(rows.assign(**CLEAR, **STANDS), size=96)
    for (_, row), frame in zip(rows.iterrows(), frames, strict=True):
        assert (read_sign(frame), read_obstacle(frame)) == (row.sign, row.obstacle)
    seen = set(zip(rows.sign, rows.obstacle, strict=True))
    assert len(seen) == len(SIGN.classes) * len(OBSTACLE.classes)


def test_the_road_bends_as_its_row_says():
    """Behind the crossing, the road's grey lies to the side it bends to, where a pinhole camera shows its middle."""
    for bend in (-1.0, 0.0, 1.0):
        frame = render(plain(bend=bend, along=-0.7), size=160)[0]
        line = frame[:, int((0.4 + 0.25 / 2.4) * 160)]  # 2.4 road widths ahead
        road = np.flatnonzero(abs(line - np.array([0.36, 0.36, 0.38])[:, None]).max(axis=0) < 0.05)
        x, y, _ = place_on_road(2.3, bend)
        ahead = y - place_on_road(-0.7, bend)[1]
        expected = 0.5 + 0.42 * (x - place_on_road(-0.7, bend)[0]) / ahead
        assert abs(road.mean() / 160 - expected) < 0.03


def test_fog_hides_the_sign_as_it_hides_the_road():
    """A sign that stood before the fog stayed as red as on a clear day."""
    clear, foggy = (render(plain(sign="stop", fog=fog), size=96)[0] for fog in (0.0, 1.0))
    sign = (clear[0] > 0.5) & (clear[1] < 0.3)
    assert sign.sum() > 50
    redness = [(frame[0] - frame[1])[sign].mean() for frame in (clear, foggy)]
    assert redness[1] < 0.25 * redness[0]


@pytest.mark.parametrize("word", COMMAND.classes)
def test_a_word_has_the_vowel_of_its_name(word):
    """The two strongest peaks of the vowel lie where its formants were measured to lie."""
    clip = speak(plain(command=word))[0]
    low, high = VOWELS[word][2:]
    start, end = (int(RATE * (0.03 + 0.4 * part)) for part in (low, high))
    hertz = np.fft.rfftfreq(2048, 1 / RATE)
    power = abs(np.fft.rfft(clip[start:end] * np.hanning(end - start), 2048)) ** 2
    envelope = np.convolve(power, np.hanning(61), mode="same")  # 240 Hz: smooths the harmonics of the pitch away
    for formant in VOWELS[word][:2]:
        near = (hertz > 0.8 * formant) & (hertz < 1.25 * formant)
        peak = hertz[near][envelope[near].argmax()]
        assert peak == pytest.approx(formant, rel=0.13)


def test_words_differ_in_where_they_hiss():
    def hiss(word):
        power = log_mel(speak(plain(command=word)), RATE)[0, 20:]
        return power[:, :6].mean(), power[:, 14:21].mean()

    assert hiss("stop")[0] > 1.25 * hiss("stop")[1] and hiss("pass")[1] > 1.25 * hiss("pass")[0]


def test_the_action_is_the_first_open_way():
    """Against a rule written the other way round: for each action, the cases in which it is right."""
    for command, sign, obstacle in itertools.product(COMMAND.classes, SIGN.classes, OBSTACLE.classes):
        left = sign in ("none", "left only", "no entry") and obstacle != "left"
        right = sign in ("none", "right only", "no entry") and obstacle != "right"
        ahead = sign == "none" and obstacle != "middle"
        wants_left = command in ("left", "turn") or (command == "pass" and not ahead and not right)
        wants_right = command == "right" or (command == "turn" and not left) or (command == "pass" and not ahead)
        expected = "stop"
        if command in ("ahead", "pass") and ahead:
            expected = "ahead"
        elif wants_left and left:
            expected = "left"
        elif wants_right and right:
            expected = "right"
        assert route_action(command, sign, obstacle) == expected, (command, sign, obstacle)


def test_neither_command_nor_scene_is_enough():
    ceilings = bayes_ceilings()
    assert ceilings["command"] <= 0.65 and ceilings["scene"] <= 0.76 and ceilings["both"] == pytest.approx(1)
    rows = drive_rows(20_000, seed=1)  # counted on drives, not on probabilities
    for known, seen in (("command", ["command"]), ("scene", ["sign", "obstacle"])):
        counts = rows.groupby([*seen, "action"]).size()
        right = counts.groupby(level=seen).max().sum() / len(rows)
        assert right == pytest.approx(ceilings[known], abs=0.015)


def test_a_certain_world_needs_no_guess():
    certain = {"sign": (0, 1, 0, 0, 0), "obstacle": (1, 0, 0, 0), "command": (1 / 6,) * 6}
    assert bayes_ceilings(certain) == pytest.approx({"command": 1.0, "scene": 1.0, "both": 1.0})


@pytest.mark.parametrize("action", ACTION.classes)
def test_waypoints_lead_where_the_action_says(action):
    row = plain().assign(action=action)
    x, y = waypoints(row).reshape(5, 2).T
    assert (np.diff(y) >= -0.01).all() and (abs(np.diff(x)) <= 0.56).all()
    side = {"left": x[-1] < -0.8, "right": x[-1] > 0.8, "ahead": y[-1] > 2.5, "stop": y[-1] < 0.6}
    assert [name for name, leads in side.items() if leads] == [action]


def test_no_drive_is_in_two_splits_and_a_seed_draws_the_same():
    splits, again = make_drives(60, 30, 30, seed=2), make_drives(60, 30, 30, seed=2, route_labels=10)
    seen = [tuple(row.tolist()) for split in splits for row in split.inputs["camera"].flatten(1)[:, :50]]
    assert len(set(seen)) == 120
    for split, same in zip(splits, again, strict=True):
        assert all(torch.equal(split.inputs[name], same.inputs[name]) for name in split.inputs)
    assert again.train.masks["waypoints"].sum() == 10 and 0 < again.train.masks["action"].sum() <= 10
    assert again.train.masks["command"].all() and again.val.masks["waypoints"].all()
    other = make_drives(60, 30, 30, seed=3)
    assert not torch.equal(other.train.inputs["camera"], splits.train.inputs["camera"])


def test_a_drive_looks_and_sounds_the_same_beside_any_other(rows):
    together, alone = render(rows[:70]), render(rows[66:67])
    assert np.array_equal(together[66:67], alone)
    assert np.array_equal(speak(rows[:70])[66:67], speak(rows[66:67]))


@pytest.mark.parametrize("name", sorted(RANGES))
def test_each_number_of_a_row_is_seen_or_heard(name):
    """Else a slider of the demo, or a nuisance, would do nothing."""
    low, high = RANGES[name]
    one, other = (plain(sign="stop", obstacle="left", rain=0.5).assign(**{name: value}) for value in (low, high))
    changed = not np.array_equal(render(one), render(other)), not np.array_equal(speak(one), speak(other))
    camera = name not in ("pitch", "tract", "lasts", "begins", "loud", "hum")
    assert changed == (camera, not camera)


# The front end


def test_the_spectrogram_is_scipys(rows):
    """The same frames and window by scipy's ShortTimeFFT, and triangles written down in another way."""
    clips = speak(rows[:3])
    window = np.hanning(257)[:-1]
    stft = ShortTimeFFT(window, hop=160, fs=RATE, fft_mode="onesided")
    found = log_mel(clips, RATE)
    edges = np.interp(np.linspace(0, hertz_to_mel(4000), 26), hertz_to_mel(np.arange(0, 4001)), np.arange(0, 4001))
    for clip, picture in zip(clips, found, strict=True):
        # scipy centres its frames on the hops: the one that begins at sample 0 is centred on 128
        frames = [stft.stft(clip[at : at + 256], p0=0, p1=1, k_offset=128)[:, 0] for at in range(0, 24 * 160 - 96, 160)]
        power = abs(np.array(frames).T) ** 2
        bands = [np.interp(stft.f, edges[i : i + 3], [0, 1, 0], left=0, right=0) @ power for i in range(24)]
        np.testing.assert_allclose(picture, np.log1p(np.array(bands) / 1e-3) / 12, atol=2e-3)


def test_mel_is_the_published_scale():
    np.testing.assert_allclose(hertz_to_mel(np.array([0, 700, 1000, 4000])), [0, 781.17, 999.99, 2146.06], atol=0.01)
    filters = mel_filters()
    inner = (np.arange(129) * RATE / 256 > 60) & (np.arange(129) * RATE / 256 < 3600)
    np.testing.assert_allclose(filters.sum(axis=0)[inner], 1, atol=1e-5)  # neighbours share each frequency between them


def test_a_tone_is_seen_where_it_sounds():
    seconds = np.arange(4000) / RATE
    bands = [
        int(log_mel(np.sin(2 * np.pi * f * seconds)[None], RATE)[0].mean(axis=1).argmax()) for f in (300, 900, 2700)
    ]
    assert bands == sorted(bands) and len(set(bands)) == 3


def test_a_missing_input_is_exactly_zero():
    assert (log_mel(np.zeros((2, 4000)), RATE) == 0).all()
    assert (standardise(np.zeros((1, 3, 32, 32))) == 0).all() and (standardise(np.full((1, 3, 32, 32), 0.7)) == 0).all()
    dark = render(plain(light=RANGES["light"][0]))
    assert standardise(dark).abs().max() > 1, "a dark scene is no missing one"


def test_a_short_clip_is_followed_by_silence():
    clip = speak(plain())
    short = log_mel(clip[:, :2000], RATE)
    assert np.array_equal(short[:, :, :11], log_mel(clip, RATE)[:, :, :11]) and (short[:, :, 13:] == 0).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: log_mel(np.zeros((1, 4000)), 16_000), "16000 samples a second; this front end is made for 8000"),
        (lambda: log_mel(np.zeros(4000), RATE), r"give one clip as clip\[None\]"),
        (lambda: log_mel(np.zeros((1, 4000), dtype=np.int16), RATE), "Divide 16-bit samples by 32768"),
        (lambda: log_mel(np.array([[0.0, np.nan]]), RATE), "Clip 0 holds a sample that is not a finite number"),
        (lambda: drive_rows(0, seed=0), "n must be a whole number of at least 1; found 0"),
        (lambda: drive_rows(5, seed=-1), "seed must be a whole number of at least 0; found -1"),
        (lambda: keep_route_labels(encode_drives(drive_rows(3, seed=0)), 4), "between 0 and the 3 drives; found 4"),
    ],
    ids=["wrong rate", "one clip", "whole numbers", "nan", "no drive", "odd seed", "too many labels"],
)
def test_bad_input_says_what_was_found_and_what_to_do(make, said):
    with pytest.raises(DataError, match=said):
        make()


def test_labels_are_those_of_the_rows(rows):
    data = encode_drives(rows[:20])
    for task in DRIVING_TASKS[:4]:
        before = rows[:20].decided.to_numpy() & (task.name != "command")
        assert (data.masks[task.name].numpy() == ~before).all() and 0 < rows[:20].decided.sum() < 20
        known = data.targets[task.name][data.masks[task.name]]
        assert [task.classes[i] for i in known] == list(rows[task.name][:20][~before])
    np.testing.assert_allclose(data.targets["waypoints"].numpy(), waypoints(rows[:20]), rtol=1e-5, atol=1e-6)
