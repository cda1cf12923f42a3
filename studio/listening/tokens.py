"""Opaque tokens of a test: made from its secret, alike for nobody else, saying nothing."""

import base64
import hashlib
import hmac

TOKEN_LENGTH = 43  # characters of 256 bits in URL-safe base64


def token(secret: bytes, *parts: object) -> str:
    """A token for these parts; without the secret it cannot be told from random."""
    text = "\x1f".join(str(part) for part in parts).encode()
    return base64.urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=").decode()


def seed_of(secret: bytes, *parts: object) -> int:
    """64 bits for a random generator, from the same source."""
    return int.from_bytes(hashlib.sha256(token(secret, "seed", *parts).encode()).digest()[:8])


def fingerprint(given: str) -> str:
    """What is stored of a token that somebody else holds."""
    return hashlib.sha256(given.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Compared in constant time. What is given need not be text that can be encoded: half a surrogate is not."""
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))
