"""From a waveform to a picture a network can read: the log-mel spectrogram."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy import fft

from mtl_helpers.errors import DataError

RATE = 8000  # samples a second
WINDOW, HOP = 256, 160  # samples: 32 ms, one every 20 ms
BANDS, FRAMES = 24, 24
_SAMPLES = (FRAMES - 1) * HOP + WINDOW
_FLOOR, _SCALE = 1e-3, 12.0
_CHUNK = 128  # clips at a time


def log_mel(clips: np.ndarray, rate: int) -> np.ndarray:
    """Clips ``(n, time)`` of sound at 8 kHz as log-mel spectrograms ``(n, 24 bands, 24 frames)``, float32 from 0 to about 1.

    Frames of 256 samples, one every 160, under a Hann window; the power of their Fourier transform, summed in 24 triangles
    that are equally wide in mel (`mel_filters`); and log(1 + power / 0.001) / 12. So silence is exactly 0 all over. A clip
    longer than the 24 frames (about half a second) is cut, a shorter one is followed by silence.

    Raises `DataError` for another rate, for whole numbers (divide 16-bit samples by 32768) and for samples that are not
    finite.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000)[None]
    >>> log_mel(tone, 8000).shape, int(log_mel(tone, 8000)[0, :, 10].argmax())
    ((1, 24, 24), 11)
    >>> bool((log_mel(np.zeros((1, 4000)), 8000) == 0).all())
    True
    """
    clips = np.asarray(clips)
    if rate != RATE:
        raise DataError(
            f"The clips have {rate!r} samples a second; this front end is made for {RATE}. Resample them first: "
            f"scipy.signal.resample_poly(clips, {RATE}, rate, axis=-1)."
        )
    if clips.ndim != 2 or not np.issubdtype(clips.dtype, np.floating):
        raise DataError(
            f"Clips are numbers between -1 and 1 of shape (n, time); found {clips.dtype} of shape {clips.shape}. Divide "
            "16-bit samples by 32768; give one clip as clip[None]."
        )
    bad = ~np.isfinite(clips).all(axis=1)
    if bad.any():
        raise DataError(f"Clip {int(bad.argmax())} holds a sample that is not a finite number; look at the recording.")
    parts = [_log_mel(clips[start : start + _CHUNK]) for start in range(0, len(clips), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, BANDS, FRAMES), np.float32)


def _log_mel(clips: np.ndarray) -> np.ndarray:
    heard = np.zeros((len(clips), _SAMPLES), np.float32)
    heard[:, : clips.shape[1]] = clips[:, :_SAMPLES]
    frames = np.lib.stride_tricks.sliding_window_view(heard, WINDOW, axis=1)[:, ::HOP]
    spectrum = fft.rfft(frames * _hann(), axis=2)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log1p(power @ mel_filters().T / _FLOOR).transpose(0, 2, 1).astype(np.float32) / np.float32(_SCALE)


def hertz_to_mel(hertz: np.ndarray | float) -> np.ndarray | float:
    """mel = 2595 log10(1 + f / 700): equal steps in mel sound equally far apart (O'Shaughnessy 1987).

    >>> round(hertz_to_mel(1000.0))
    1000
    """
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


@functools.cache
def mel_filters() -> np.ndarray:
    """The 24 triangles ``(24, 129)`` over the frequencies of a frame, from 0 to 4,000 Hz, each of height 1."""
    edges = 700 * (10 ** (np.linspace(0, hertz_to_mel(RATE / 2), BANDS + 2) / 2595) - 1)
    at = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters = np.minimum((at - low) / (middle - low), (high - at) / (high - middle))
    return np.maximum(filters, 0).astype(np.float32)


@functools.cache
def _hann() -> np.ndarray:
    """The periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * math.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
