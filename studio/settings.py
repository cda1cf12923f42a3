"""Settings: the only reader of the environment."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "TIMBRO_"


class Settings(BaseSettings):
    """Everything that can be set from outside, as ``TIMBRO_<NAME>`` or a flag of app.py."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    storage: Path = Field(default=Path("storage"), description="Folder of the studio's data.")
    key_file: Path | None = Field(
        default=None,
        description="Key-encryption key; default storage/keys/studio.key. Keep it out of backups.",
    )
    key_store: Literal["file", "system"] = Field(
        default="file", description="Where the key-encryption key is kept: a file, or the system's keyring."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback unless you mean it.")
    port: int = Field(default=7860, ge=0, le=65535, description="Port; 0 takes a free one.")
    public_hosts: tuple[str, ...] = Field(
        default=(),
        description="Further Host headers to answer, when a reverse proxy stands before the studio.",
    )
    language: Literal["it", "en"] = Field(
        default="it", description="Language of the pages until one is chosen."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where the engines run.")
    threads: int = Field(default=0, ge=0, description="Threads for engines on the CPU; 0 takes all cores.")
    upload_limit_mb: int = Field(default=50, ge=1, le=500, description="Largest single upload.")
    request_limit_mb: int = Field(default=120, ge=1, le=1000, description="Largest whole request.")
    text_limit: int = Field(
        default=10_000, ge=100, le=50_000, description="Longest text of one take, characters."
    )
    session_hours: int = Field(default=12, ge=1, le=720, description="How long a sign-in lasts.")
    oidc_issuer: str = Field(
        default="", description="OpenID provider to sign in through, e.g. https://login.example; empty: none."
    )
    oidc_client_id: str = Field(default="", description="What the provider calls this studio.")
    oidc_secret_file: Path | None = Field(
        default=None, description="File with the provider's client secret; none for a public client (PKCE)."
    )
    oidc_name: str = Field(default="", description="The provider's name on the sign-in page.")
    oidc_new_role: Literal["", "listener", "speaker", "producer", "reviewer", "auditor"] = Field(
        default="",
        description="Role of accounts made at a first sign-in through the provider; empty makes none.",
    )
    organisation: str = Field(
        default="", description="Named in consent statements; empty says 'this studio'."
    )

    signing_certificate: Path | None = Field(
        default=None,
        description="Certificates (PEM, the signer's first) for C2PA manifests; empty: the studio makes its own.",
    )
    signing_key: Path | None = Field(
        default=None, description="The private key (PEM, no password) of signing_certificate."
    )
    spoken_notice: bool = Field(
        default=False, description="Whether takes begin with a spoken notice unless it is switched off."
    )

    import_root: Path | None = Field(
        default=None,
        description="Folder whose folders and zips can be imported as datasets; default storage/import.",
    )

    recogniser: Literal["embedded", "wav2vec2", "whisper"] = Field(
        default="embedded", description="What writes down speech when word errors are measured."
    )
    recogniser_model: str = Field(
        default="",
        description="Local folder or hub id of the wav2vec2 (CTC) or Whisper model, for transformers; empty with "
        "wav2vec2 and Italian: jonatasgrosman/wav2vec2-large-xlsr-53-italian.",
    )
    recogniser_language: str = Field(default="it", description="The one language of a wav2vec2 model.")
    hour_price: float = Field(
        default=0.0,
        ge=0,
        description="What an hour of this machine costs, for the cost column; 0 when it is yours.",
    )

    @property
    def database_file(self) -> Path:
        return self.storage / "studio.db"

    @property
    def master_key_file(self) -> Path:
        return self.key_file or self.storage / "keys" / "studio.key"

    @property
    def import_folder(self) -> Path:
        return self.import_root or self.storage / "import"

    @property
    def keys_folder(self) -> Path:
        """The speakers' keys, and what else is never backed up."""
        return self.storage / "keys"

    @property
    def scratch(self) -> Path:
        """Temp folder, mode 0700, wiped at every start."""
        return self.storage / "tmp"

    @property
    def cores(self) -> int:
        return self.threads or os.cpu_count() or 1


def load_settings(**given: object) -> Settings:
    """Read the environment and `given`; refuses a TIMBRO_ variable that names no setting.

    Raises ValueError naming the unknown variables and the valid ones.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    if unknown:
        raise ValueError(
            f"unknown settings {', '.join(unknown)}; the valid ones are {', '.join(sorted(known))}"
        )
    return Settings(**given)  # type: ignore[arg-type]
