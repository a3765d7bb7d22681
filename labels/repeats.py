"""Finds the same footage in several videos by the hashes of their frames: which part of which is seen again where.

Not each frame against each: hash tables over some bits of the hashes (P. Indyk and R. Motwani, *Approximate Nearest
Neighbors*, 1998) bring up pairs of frames that are alike, and many of these with one shift in time bring up a pair of
videos. Only these are compared frame by frame, at that shift and beside it: a street looks like itself a second later,
so what counts is that frames agree at one shift and not at others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REPEATS_VERSION = 1
"""Rises when the hashes or what is made of them change."""

_TABLES, _FEWEST_KEY_BITS, _SEED = 12, 20, 1
_MOST_IN_BUCKET = 500  # frames with one key: more of them say nothing of where they come from
_ALIKE = (
    12  # bits of 64 in which two frames of one moment may differ, by encoding, size, border and a tenth of a second
)
_QUERY_S, _SLOT_S, _LEAST_VOTES, _MOST_SHIFTS = 1.0, 0.5, 3, 8
_REACH_S, _FINE_S = 0.6, 0.1
_LAGS_S = (-2.0, -1.0, 1.0, 2.0)
_STANDING = 4  # bits that change within a second where the camera stands


@dataclass(frozen=True)
class DuplicateParameters:
    """Footage that several videos of a manifest show: uploads of one drive, cuts of one film."""

    drop: bool = False  # leave footage out of the dataset that a better video of the manifest shows, too
    shortest_s: float = 4.0  # seconds that two videos must have in common
    bits: float = 8.0  # of 64 in which hashes of the same moment may differ in the mean
    contrast: float = 3.0  # bits by which they must differ more, in the mean, one or two seconds beside it
    whole: float = 0.9  # share of a video from which on it counts as shown elsewhere as a whole


@dataclass(frozen=True)
class Footage:
    """The hashes of a video: ``time_s`` (N,) grows; ``hashes`` (N, Z) of ``frame_hash.VIEWS``, 0 = shows nothing."""

    time_s: NDArray[np.float64]
    hashes: NDArray[np.uint64]

    def moving(self) -> NDArray[np.bool_]:
        """(N,): where the view is another one a second before or after; what stands still tells no time."""
        shown = self.hashes[:, 0]
        changes = np.zeros(len(shown), np.int64)
        for lag in (-1.0, 1.0):
            other = _nearest(self.time_s, self.time_s + lag)
            changes = np.maximum(changes, np.bitwise_count(shown ^ shown[other]))
        return (shown != 0) & (changes > _STANDING)


@dataclass(frozen=True)
class Repeat:
    """Seconds ``start_s`` to ``end_s`` of video ``first`` are seen in ``second``, there ``shift_s`` later.

    ``bits`` is the mean difference of the hashes. Videos are numbered, ``first < second``.
    """

    first: int
    second: int
    start_s: float
    end_s: float
    shift_s: float
    bits: float


def repeats(footage: list[Footage], parameters: DuplicateParameters) -> list[Repeat]:
    """What videos have in common, in the order of their numbers; none within one video."""
    moving = [each.moving() for each in footage]
    found: list[Repeat] = []
    for (first, second), shifts in sorted(_candidates(footage, moving).items()):
        tried = [_common(footage[first], footage[second], moving[first], shift, parameters) for shift in shifts]
        seen: list[Repeat] = []
        # a shift that is nearly right finds the same, only worse
        for each in sorted({Repeat(first, second, *common) for common in tried if common}, key=_weakness):
            if not any(_overlap(each, better) for better in seen):
                seen.append(each)
        found += seen
    return found


def _weakness(repeat: Repeat) -> tuple[float, float]:
    return -(repeat.end_s - repeat.start_s) * (_ALIKE - repeat.bits), repeat.shift_s


def _overlap(one: Repeat, other: Repeat) -> bool:
    apart = one.end_s <= other.start_s or other.end_s <= one.start_s
    return not apart and abs(one.shift_s - other.shift_s) < 2 * _REACH_S


# -- which videos may have something in common ------------------------------------------------------------------------


def _candidates(footage: list[Footage], moving: list[NDArray[np.bool_]]) -> dict[tuple[int, int], list[float]]:
    """Pairs of videos, each with the shifts at which several of its seconds are alike, the most frequent first."""
    if not footage:
        return {}
    owner = np.concatenate([np.full(np.count_nonzero(m), number) for number, m in enumerate(moving)])
    time_s = np.concatenate([f.time_s[m] for f, m in zip(footage, moving)])
    hashes = np.concatenate([f.hashes[m] for f, m in zip(footage, moving)])
    asks = np.flatnonzero(np.diff(np.floor(time_s / _QUERY_S) + 1e7 * owner, prepend=-1) != 0)  # one frame a second
    votes = [np.empty((0, 4), np.int64)]
    generator = np.random.default_rng(_SEED)
    key_bits = max(_FEWEST_KEY_BITS, len(hashes).bit_length())  # so that few frames share a key by chance
    for _ in range(_TABLES):
        chosen = generator.choice(64, key_bits, replace=False)
        keys = _key(hashes[:, 0], chosen)
        order = np.argsort(keys, kind="stable")
        for view in range(hashes.shape[1]):
            asked, met = _alike(hashes[asks, view], _key(hashes[asks, view], chosen), hashes[:, 0], keys, order)
            asked = asks[asked]
            other = owner[asked] != owner[met]
            votes.append(_votes(owner, time_s, asked[other], met[other]))
    once = np.unique(np.concatenate(votes), axis=0)
    slots, counts = np.unique(once[:, :3], axis=0, return_counts=True)
    return _frequent({(int(a), int(b), int(slot)): int(n) for (a, b, slot), n in zip(slots, counts) if n > 1})


def _key(hashes: NDArray[np.uint64], chosen: NDArray[np.int64]) -> NDArray[np.uint64]:
    key = np.zeros(len(hashes), np.uint64)
    for place, bit in enumerate(chosen):
        key |= ((hashes >> np.uint64(bit)) & np.uint64(1)) << np.uint64(place)
    return key


def _alike(
    asked: NDArray[np.uint64],
    asked_keys: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    order: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places in ``asked`` and in ``hashes`` of those with one key that differ in few bits."""
    ranked = keys[order]
    first, last = np.searchsorted(ranked, asked_keys, "left"), np.searchsorted(ranked, asked_keys, "right")
    number = np.where(last - first > _MOST_IN_BUCKET, 0, last - first)
    asking = np.repeat(np.arange(len(asked)), number)
    within = np.arange(len(asking)) - np.repeat(np.cumsum(number) - number, number)
    met = order[np.repeat(first, number) + within]
    few = np.bitwise_count(asked[asking] ^ hashes[met]) <= _ALIKE
    return asking[few], met[few]


def _votes(
    owner: NDArray[np.int64], time_s: NDArray[np.float64], asked: NDArray[np.int64], met: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(N, 4): the lower and the higher numbered video, the shift in slots, and the frame that asked."""
    swap = owner[asked] > owner[met]
    low, high = np.where(swap, met, asked), np.where(swap, asked, met)
    slot = np.floor((time_s[high] - time_s[low]) / _SLOT_S)
    return np.stack([owner[low], owner[high], slot.astype(np.int64), asked], axis=1)


def _frequent(votes: dict[tuple[int, int, int], int]) -> dict[tuple[int, int], list[float]]:
    ranked: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for (first, second, slot), count in votes.items():
        both = count + votes.get((first, second, slot + 1), 0)  # a shift may lie at the border of two slots
        if both >= _LEAST_VOTES:
            ranked.setdefault((first, second), []).append((-both, slot))
    return {pair: [(slot + 1) * _SLOT_S for _, slot in sorted(slots)[:_MOST_SHIFTS]] for pair, slots in ranked.items()}


# -- what they have in common -----------------------------------------------------------------------------------------


def _common(
    first: Footage, second: Footage, moving: NDArray[np.bool_], shift: float, parameters: DuplicateParameters
) -> tuple[float, float, float, float] | None:
    """Start and end in ``first``, the shift and the mean difference of what agrees at about a shift in seconds."""
    shifts = shift + np.arange(-_REACH_S, _REACH_S + 1e-6, _FINE_S)
    tried = [_differences(first, second, moving, each) for each in shifts]
    best = int(np.argmax([np.maximum(_ALIKE - bits, 0).sum() for bits in tried]))
    bits, time_s = tried[best], first.time_s[moving]
    start, stop = _longest_run(bits <= _ALIKE)
    if stop - start < 2 or time_s[stop - 1] - time_s[start] < parameters.shortest_s:
        return None
    run = slice(start, stop)
    mean = float(bits[run].mean())
    beside = [_differences(first, second, moving, float(shifts[best]) + lag)[run] for lag in _LAGS_S]
    elsewhere = float(np.mean([part[part < 64].mean() if (part < 64).any() else 64.0 for part in beside]))
    if mean > parameters.bits or elsewhere - mean < parameters.contrast:
        return None
    return float(time_s[start]), float(time_s[stop - 1]), round(float(shifts[best]), 1), mean


def _differences(first: Footage, second: Footage, moving: NDArray[np.bool_], shift: float) -> NDArray[np.int64]:
    """Bits in which the moving frames of ``first`` differ from those of ``second`` a shift later; 64 where none is."""
    wanted = first.time_s[moving] + shift
    met = _nearest(second.time_s, wanted)
    ours, theirs = first.hashes[moving], second.hashes[met]
    whole = ours[:, :1], theirs[:, :1]
    # either may have lost a border
    bits = np.minimum(np.bitwise_count(ours ^ whole[1]).min(axis=1), np.bitwise_count(whole[0] ^ theirs).min(axis=1))
    gone = (np.abs(second.time_s[met] - wanted) > 1.1 * _FINE_S) | (theirs[:, 0] == 0)
    return np.where(gone, 64, bits.astype(np.int64))


def _nearest(times: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """The places of the ``times`` nearest to the wanted ones, the earlier of two."""
    if len(times) < 2:
        return np.zeros(len(wanted), np.int64)
    after = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    before = after - 1
    return np.where(wanted - times[before] <= times[after] - wanted, before, after)


def _longest_run(agrees: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last (exclusive) place of the run with the largest sum, where one that agrees counts 1, others -2."""
    sums = np.concatenate([[0], np.cumsum(np.where(agrees, 1, -2))])
    lowest = np.minimum.accumulate(sums)
    stop = int(np.argmax(sums - lowest))
    start = int(np.argmin(sums[: stop + 1]))
    return start, stop
