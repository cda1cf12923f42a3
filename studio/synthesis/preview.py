"""A preview on its way: events for the page, sound for the player."""

import threading
from collections.abc import Callable, Iterator

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, StreamEncoder, Tags
from studio.synthesis.requests import PreviewEvent, Take
from studio.work.live import Live


class Preview(Live[PreviewEvent]):
    """Running synthesis. Its sound can be listened to while it is made, by any number of players."""

    def __init__(self, owner_id: str, sample_rate_hz: int, tags: Tags | None = None) -> None:
        super().__init__(owner_id)
        self.sample_rate_hz = sample_rate_hz
        self.tags = tags  # what a stream of it says at its start
        self.speaker_id = ""  # whose voice speaks; empty for a preset
        self.permitted: Callable[[], None] = lambda: None  # raises once the voice may no longer be heard
        self._pieces: list[AudioClip] = []
        self._sounded = threading.Condition()
        self._complete = False

    def sound(self, piece: AudioClip) -> None:
        """Hand a piece to whoever listens."""
        with self._sounded:
            self._pieces.append(piece)
            self._sounded.notify_all()

    def end_sound(self) -> None:
        """No more will come."""
        with self._sounded:
            self._complete = True
            self._sounded.notify_all()

    def forget(self) -> None:
        """The speaker has withdrawn: stop, and let nobody hear what was made."""
        self.cancel()
        with self._sounded:
            self._pieces.clear()
            self._complete = True
            self._sounded.notify_all()

    def mp3(self) -> Iterator[bytes]:
        """The sound as an MP3 stream, from the beginning, as it is made."""
        encoder = StreamEncoder(AudioFormat.MP3, self.sample_rate_hz, self.tags)
        for piece in self.pieces():
            if data := encoder.feed(piece):
                yield data
        yield encoder.close()

    def pieces(self) -> Iterator[AudioClip]:
        """The sound piece by piece, from the beginning, as it is made; ends with it, well or not."""
        seen, complete = 0, False
        while not complete:
            with self._sounded:
                while len(self._pieces) == seen and not self._complete:
                    self._sounded.wait()
                fresh, complete = self._pieces[seen:], self._complete
            yield from fresh
            seen += len(fresh)

    def take(self) -> Take:
        """Wait for the end and return the newest view of the take; raises what ended it."""
        self.wait()
        latest = next((e.take for e in reversed(list(self.events())) if e.take is not None), None)
        assert latest is not None, "a preview that ends well has stored its take"
        return latest
