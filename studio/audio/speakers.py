"""How many people speak: windows of speech, embedded by an injected encoder and grouped by likeness."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.audio.speech import Span

Embed = Callable[[AudioClip], NDArray[np.float32]]


@dataclass(frozen=True)
class SpeakerRule:
    """How windows are cut and grouped. The figures behind the defaults are in docs/audio.md."""

    window_s: float = 2.0
    hop_s: float = 1.0
    shortest_s: float = 1.2  # shorter stretches say too little about who speaks
    join: float = 0.41  # mean cosine at which two groups of windows become one
    surely_other: float = 0.30  # groups less alike than this are two people
    share_of_own: float = 0.6  # so are groups less alike than this share of the main voice's own likeness ...
    never_other: float = 0.45  # ... but not above this
    smallest_s: float = 1.5  # speech a group must hold to count as a person
    most_windows: int = 60


@dataclass(frozen=True)
class Window:
    """A stretch of one clip, for one embedding."""

    clip_index: int
    span: Span


@dataclass(frozen=True)
class SpeakerCount:
    """`speakers`: how many were told apart (0 without enough speech); `likeness`: the mean cosine of the
    main speaker to the least alike other, 1.0 where there is none; `minority`: where the others talk."""

    speakers: int
    likeness: float
    minority: tuple[Window, ...] = ()


def windows_of(spans: Sequence[Span], clip_index: int, rule: SpeakerRule) -> list[Window]:
    """Overlapping windows inside the spans of speech; no window reaches over a pause."""
    found: list[Window] = []
    for span in spans:
        if span.duration_s < rule.shortest_s:
            continue
        start = span.start_s
        while span.end_s - start >= rule.shortest_s:
            found.append(Window(clip_index, Span(start, min(start + rule.window_s, span.end_s))))
            if start + rule.window_s >= span.end_s:
                break
            start += rule.hop_s
    return found


def count_speakers(
    clips: Sequence[AudioClip],
    spans: Sequence[Sequence[Span]],
    embed: Embed,
    rule: SpeakerRule | None = None,
) -> SpeakerCount:
    """Count the people in all clips together; `spans` are the clips' stretches of speech.

    `embed` gives a speaker's unit vector for a clip; the thresholds fit WeSpeaker ResNet34. People who
    talk at the same time all along are not told apart.
    """
    rule = rule or SpeakerRule()
    windows = [w for index, found in enumerate(spans) for w in windows_of(found, index, rule)]
    if len(windows) > rule.most_windows:
        chosen = np.linspace(0, len(windows) - 1, rule.most_windows).round().astype(int)
        windows = [windows[i] for i in chosen]
    if not windows:
        return SpeakerCount(0, 1.0)
    vectors = np.stack([embed(cut(clips[w.clip_index], w.span)) for w in windows])
    return _counted(windows, vectors @ vectors.T, rule)


def cut(clip: AudioClip, span: Span) -> AudioClip:
    """The part of the clip inside `span`."""
    rate = clip.sample_rate_hz
    return AudioClip(clip.samples[int(span.start_s * rate) : int(span.end_s * rate)], rate)


def _counted(windows: Sequence[Window], likeness: NDArray[np.float32], rule: SpeakerRule) -> SpeakerCount:
    groups = group(likeness, rule.join)
    groups.sort(key=lambda g: -_covered_s([windows[i] for i in g]))
    main, rest = groups[0], groups[1:]
    limit = _other_below(windows, likeness, main, rule)
    between = {i: float(likeness[np.ix_(main, g)].mean()) for i, g in enumerate(rest)}
    large = [i for i, g in enumerate(rest) if _covered_s([windows[k] for k in g]) >= rule.smallest_s]
    others = [i for i in large if between[i] < limit]
    minority = tuple(windows[k] for i in others for k in sorted(rest[i]))
    return SpeakerCount(1 + len(others), min((between[i] for i in others), default=1.0), minority)


def _other_below(
    windows: Sequence[Window], likeness: NDArray[np.float32], main: Sequence[int], rule: SpeakerRule
) -> float:
    """Acted or lively voices vary more: how alike the main voice is to itself sets what is another's."""
    own = [likeness[i, j] for i in main for j in main if i < j and _apart(windows[i], windows[j])]
    if not own:
        return rule.surely_other
    return max(rule.surely_other, min(rule.never_other, rule.share_of_own * float(np.mean(own))))


def _apart(one: Window, other: Window) -> bool:
    return one.clip_index != other.clip_index or one.span.end_s <= other.span.start_s + 1e-6


def group(likeness: NDArray[np.float32], least: float) -> list[list[int]]:
    """Average-linkage grouping: join the two most alike groups until none are as alike as `least`."""
    groups = [[i] for i in range(len(likeness))]
    while len(groups) > 1:
        best, pair = least, None
        for a in range(len(groups)):
            for b in range(a + 1, len(groups)):
                mean = float(likeness[np.ix_(groups[a], groups[b])].mean())
                if mean >= best:
                    best, pair = mean, (a, b)
        if pair is None:
            break
        groups[pair[0]] += groups.pop(pair[1])
    return groups


def _covered_s(windows: Sequence[Window]) -> float:
    """Seconds of sound under the windows, overlaps counted once."""
    total, last = 0.0, (-1, 0.0)
    for window in sorted(windows, key=lambda w: (w.clip_index, w.span.start_s)):
        start = max(window.span.start_s, last[1]) if window.clip_index == last[0] else window.span.start_s
        total += max(0.0, window.span.end_s - start)
        last = (window.clip_index, window.span.end_s)
    return total
