"""The microphone: six words, spoken by many voices, synthesised from formant tracks."""

from __future__ import annotations

import functools
import io
import wave

import numpy as np
import pandas as pd

from mtl_helpers.driving.noise import noise
from mtl_helpers.driving.rules import COMMAND
from mtl_helpers.driving.spectrogram import RATE

SAMPLES = 4000  # half a second
_CHUNK = 64  # clips at a time, so that all of them stay in the processor's cache
_STEPS = 128
_BANDWIDTH = 110.0  # hertz, of a formant
_LOUDNESS = (1.0, 0.6, 0.3)  # of the first, second and third formant

# The first three formants of sounds, in hertz: the vowels as men were measured to say them (Peterson & Barney, Journal of the
# Acoustical Society of America, 1952), the others as vowels near which the mouth stands.
_SOUNDS = {
    "e": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "ae": (660, 1720, 2410),
    "i": (390, 1990, 2550),
    "uh": (640, 1190, 2390),
    "er": (490, 1350, 1690),
    "l": (360, 1200, 2600),
    "r": (330, 1060, 1400),
    "d": (300, 1800, 2600),
    "h": (400, 1700, 2500),
}
# A word as moments "when sound voice hiss": how loud voice and hiss are then, 0 to 1; between two moments all changes evenly.
_WORDS = {
    "left": "0 l .6 0, .2 l .7 0, .35 e 1 0, .55 e 1 0, .62 h 0 .3, .8 h 0 .3, .85 h 0 0, .92 h 0 .8, 1 h 0 0",
    "right": "0 r .6 0, .15 r .8 0, .35 a 1 0, .55 a 1 0, .78 i .8 0, .82 i 0 0, .9 h 0 .8, 1 h 0 0",
    "ahead": "0 uh .7 0, .2 uh .7 0, .26 uh .1 .3, .38 e .1 .3, .45 e 1 0, .8 e 1 0, .92 d .5 0, 1 d 0 0",
    "stop": "0 h 0 .7, .28 h 0 .7, .32 h 0 0, .4 o 0 0, .44 o 1 .5, .5 o 1 0, .78 o .9 0, .84 o 0 0, .95 o 0 .3, 1 o 0 0",
    "turn": "0 h 0 .9, .08 h 0 .4, .14 er .5 .1, .25 er 1 0, .7 er 1 0, .8 d .6 0, .95 d .5 0, 1 d 0 0",
    "pass": "0 ae 0 .6, .06 ae .2 .1, .15 ae 1 0, .5 ae 1 0, .58 h .1 .6, .92 h 0 .7, 1 h 0 0",
}


@functools.cache
def _tracks() -> np.ndarray:
    """Formants, voice and hiss of each word along its length: ``(words, 128, 5)``."""
    at = np.linspace(0, 1, _STEPS)
    tracks = []
    for word in COMMAND.classes:
        moments = [moment.split() for moment in _WORDS[word].split(",")]
        times = [float(time) for time, *_ in moments]
        keys = np.array([(*_SOUNDS[sound], float(voice), float(hiss)) for _, sound, voice, hiss in moments])
        tracks.append(np.stack([np.interp(at, times, key) for key in keys.T], axis=1))
    return np.array(tracks, dtype=np.float32)


def speak(rows: pd.DataFrame) -> np.ndarray:
    """Say the command of each drive: clips ``(n, 4000)``, half a second at 8 kHz, float32 within -1 to 1.

    A voice is a train of pulses, ``pitch`` a second, each of which lets three formants ring and die away; with a ``tract``
    longer than 1 all formants are lower. (Time-domain formant synthesis, as in Rodet's FOF, Computer Music Journal, 1984.)
    Hiss is noise without its low tones. Each clip follows from its row alone, its noise too.

    >>> from mtl_helpers.driving import drive_rows
    >>> speak(drive_rows(2, seed=0)).shape
    (2, 4000)
    """
    parts = [_speak(rows.iloc[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, SAMPLES), np.float32)


def _speak(rows: pd.DataFrame) -> np.ndarray:
    def column(name: str) -> np.ndarray:
        return rows[name].to_numpy(np.float32)[:, None]

    seconds = np.arange(SAMPLES, dtype=np.float32) / RATE - column("begins")
    done = seconds / column("lasts")  # from 0 to 1 while the word is spoken
    word = rows.command.map(COMMAND.classes.index).to_numpy()
    place = np.clip(done * (_STEPS - 1), 0, _STEPS - 1).astype(np.intp)
    first, second, third, voice, hiss = _tracks().transpose(2, 0, 1)[:, word[:, None], place]
    spoken = (done > 0) & (done < 1)
    # The pitch falls by a fifth along the word; its integral counts the pulses.
    pulses = column("pitch") * seconds * (1.1 - 0.1 * done)
    since = np.where(spoken, (pulses - np.floor(pulses)) / (column("pitch") * (1.1 - 0.2 * done)), 0).astype(np.float32)
    sound = np.zeros_like(seconds)
    for formant, loudness in zip((first, second, third), _LOUDNESS, strict=True):
        sound += loudness * np.sin(2 * np.pi * formant / column("tract") * since)
    sound *= np.exp(-np.pi * _BANDWIDTH * since) * voice
    breath = noise(rows.noise.to_numpy() + 101, SAMPLES + 1)
    sound += hiss * 0.35 * np.diff(breath, axis=1)
    sound *= spoken * column("loud")
    return np.clip(0.3 * sound + column("hum") * noise(rows.noise.to_numpy() + 50_000, SAMPLES), -1, 1)


def wav(clip: np.ndarray) -> bytes:
    """A clip ``(time,)`` from -1 to 1 as a wave file of 16 bits, for a player on the page.

    >>> wav(np.zeros(10))[:4], len(wav(np.zeros(10)))
    (b'RIFF', 64)
    """
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(clip, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
