"""Child process that fetches files of one hub repository through huggingface_hub, resuming half-done ones."""

import sys
from pathlib import Path

OK, FAILED, UNREACHABLE, NOT_THERE = 0, 1, 3, 4
PARTIAL = ".incomplete"


def fetch(repo: str, revision: str, path: str, target: Path) -> None:
    """Fetch one file to `target`; half of it found beside it is continued, not fetched again.

    The library's own local-folder download starts over in every process, so its lower step is used, which
    takes the number of bytes already here.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils._headers import build_hf_headers

    headers = build_hf_headers()
    url = hf_hub_url(repo, path, revision=revision)
    size = get_hf_file_metadata(url, headers=headers).size
    partial = target.with_name(target.name + PARTIAL)
    with partial.open("ab") as file:
        here = file.tell()
        if size is not None and here > size:
            file.truncate(0)
            here = 0
        http_get(url, file, resume_size=here, headers=headers, expected_size=size)
    partial.replace(target)


def main(arguments: list[str]) -> int:
    """``REPO REVISION FOLDER [PATH NAME]...``: each PATH of the repository becomes FOLDER/NAME."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import (
        EntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    repo, revision, folder, *pairs = arguments
    try:
        for path, name in zip(pairs[::2], pairs[1::2], strict=True):
            if not (target := Path(folder) / name).exists():
                fetch(repo, revision, path, target)
    except (EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        return _told(error, NOT_THERE)
    except (HTTPError, ConnectionError, TimeoutError) as error:
        return _told(error, UNREACHABLE)
    return OK


def _told(error: Exception, status: int) -> int:
    sys.stderr.write(f"{type(error).__name__}\n")  # the name only: a message may hold an address with a key
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
