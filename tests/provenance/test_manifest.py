"""Manifests and certificates: signed by this studio or not, and never silently damaged."""

import io
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from studio.audio.clip import AudioClip
from studio.audio.decode import decode
from studio.audio.encode import AudioFormat, encode
from studio.audio.sniff import container_of
from studio.errors import StorageTrouble
from studio.provenance import certificate
from studio.provenance.certificate import Credentials, open_credentials
from studio.provenance.manifest import (
    SIGNED,
    VERSION,
    Manifest,
    ManifestState,
    Signer,
    is_signed,
    read_manifest,
)
from studio.provenance.marking import Marker
from studio.settings import Settings
from tests.fakes import FakeWatermarker, buzz

MADE_AT = "2026-11-23T08:00:00"


def settings_in(folder: Path, **more: object) -> Settings:
    return Settings(storage=folder, organisation="Esempio Srl", **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return open_credentials(settings_in(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
def marker(credentials: Credentials) -> Marker:
    return Marker(FakeWatermarker(), Signer(credentials, "Esempio Srl", "0.1.0"), "Esempio Srl")


def read(data: bytes, credentials: Credentials) -> Manifest:
    return read_manifest(data, container_of(data) or "", credentials.anchors)


@pytest.mark.parametrize("format", list(AudioFormat))
def test_every_file_is_tagged_and_signed_where_the_format_allows(
    marker: Marker, credentials: Credentials, format: AudioFormat
) -> None:
    clip = marker.clip(buzz(1.0, 130, 1))
    data = marker.file(clip, format, MADE_AT)
    assert b"AI-generated" in data and b"trainedAlgorithmicMedia" in data
    said = read(data, credentials)
    if format in SIGNED:
        assert said == Manifest(ManifestState.OURS, "Esempio Srl", f"{MADE_AT}Z", generated=True)
    else:
        assert said.state is ManifestState.ABSENT
    assert abs(decode(data, "x").duration_s - clip.duration_s) < 0.1


@pytest.mark.parametrize("format", [AudioFormat.WAV, AudioFormat.FLAC])
def test_signing_changes_no_sample(marker: Marker, format: AudioFormat) -> None:
    clip = marker.clip(buzz(1.0, 130, 1))
    signed = soundfile.read(io.BytesIO(marker.file(clip, format, MADE_AT)), dtype="int16")[0]
    plain = soundfile.read(io.BytesIO(encode(clip, format)), dtype="int16")[0]
    assert np.array_equal(signed, plain)


@pytest.mark.parametrize("where", [0.3, 0.6, 0.95])
def test_one_flipped_bit_breaks_the_manifest(marker: Marker, credentials: Credentials, where: float) -> None:
    data = bytearray(marker.file(buzz(1.0, 130, 1), AudioFormat.FLAC, MADE_AT))
    data[int(len(data) * where)] ^= 1
    assert read(bytes(data), credentials).state is ManifestState.BROKEN


def test_a_damaged_manifest_is_broken_not_absent(marker: Marker, credentials: Credentials) -> None:
    data = bytearray(marker.file(buzz(1.0, 130, 1), AudioFormat.WAV, MADE_AT))
    data[data.find(b"c2pa") + 40] ^= 0xFF
    assert read(bytes(data), credentials).state is ManifestState.BROKEN


def test_another_studios_signature_is_not_ours(marker: Marker, tmp_path: Path) -> None:
    other = open_credentials(settings_in(tmp_path))
    said = read(marker.file(buzz(0.5, 130, 1), AudioFormat.WAV, MADE_AT), other)
    assert said.state is ManifestState.FOREIGN and said.generated


def test_a_file_without_a_manifest_has_none(credentials: Credentials) -> None:
    assert read(encode(buzz(0.5, 130, 1), AudioFormat.MP3), credentials).state is ManifestState.ABSENT


def test_the_name_in_the_manifest_is_the_studios_and_nobody_elses(marker: Marker) -> None:
    data = marker.file(buzz(0.5, 130, 1), AudioFormat.WAV, MADE_AT)
    assert b"Esempio Srl" in data and b"spk_" not in data and b"voi_" not in data


def test_the_first_start_makes_a_certificate_and_the_next_finds_it(tmp_path: Path) -> None:
    made = open_credentials(settings_in(tmp_path))
    file = tmp_path / "keys" / certificate.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert open_credentials(settings_in(tmp_path)) == made and made.own
    assert [path.name for path in file.parent.iterdir()] == [certificate.FILE]


def test_the_key_lies_with_the_master_key(tmp_path: Path) -> None:
    open_credentials(settings_in(tmp_path / "data", key_file=tmp_path / "safe" / "studio.key"))
    assert (tmp_path / "safe" / certificate.FILE).exists() and not (tmp_path / "data").exists()


def test_keys_do_not_show_when_printed(credentials: Credentials) -> None:
    assert "PRIVATE" not in repr(credentials)


def bought(folder: Path, days: int = 100) -> tuple[Path, Path]:
    """A certificate of somebody else's root, with a P-384 key, as two files."""
    from cryptography.hazmat.primitives.asymmetric import ec

    folder.mkdir()
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    issuer = certificate._name("Some authority", "Some root")
    leaf = (
        certificate._draft(certificate._name("Esempio Srl", "signer"), issuer, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(certificate._usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
    )
    leaf._not_valid_after = (datetime.now(UTC) + timedelta(days=days)).replace(tzinfo=None)
    root = (
        certificate._draft(issuer, issuer, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(certificate._usage(key_cert_sign=True), critical=True)
    )
    from cryptography.hazmat.primitives import hashes

    pem = serialization.Encoding.PEM
    signed = [one.sign(root_key, hashes.SHA256()).public_bytes(pem) for one in (leaf, root)]
    (folder / "chain.pem").write_bytes(b"".join(signed))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "chain.pem", folder / "key.pem"


def test_a_bought_certificate_signs_instead(tmp_path: Path) -> None:
    chain, key = bought(tmp_path / "bought")
    found = open_credentials(settings_in(tmp_path, signing_certificate=chain, signing_key=key))
    assert not found.own and found.algorithm == "es384"
    data = Signer(found, "", "0").sign(encode(buzz(0.5, 130, 1), AudioFormat.WAV), AudioFormat.WAV, MADE_AT)
    assert read(data, found).state is ManifestState.OURS


def test_a_certificate_that_cannot_sign_is_named(tmp_path: Path) -> None:
    chain, _ = bought(tmp_path / "one")
    _, other_key = bought(tmp_path / "two")
    expired, its_key = bought(tmp_path / "old", days=-1)
    for given, why in (
        ({"signing_certificate": chain}, "together"),
        ({"signing_certificate": chain, "signing_key": other_key}, "does not belong"),
        ({"signing_certificate": expired, "signing_key": its_key}, "expired"),
        ({"signing_certificate": chain, "signing_key": tmp_path / "nowhere"}, "No such file"),
    ):
        with pytest.raises(StorageTrouble, match=why):
            open_credentials(settings_in(tmp_path, **given))


def test_a_failed_signature_lets_nothing_out(credentials: Credentials) -> None:
    from dataclasses import replace

    signer = Signer(replace(credentials, algorithm="es512"), "", "0")
    with pytest.raises(StorageTrouble):
        signer.sign(encode(buzz(0.5, 130, 1), AudioFormat.WAV), AudioFormat.WAV, MADE_AT)


def test_a_clip_of_an_odd_rate_keeps_it(marker: Marker) -> None:
    clip = AudioClip(buzz(0.5, 130, 1).samples, 22_050)
    assert decode(marker.file(clip, AudioFormat.FLAC, MADE_AT), "x").sample_rate_hz == 22_050


def test_the_version_in_the_manifest_is_the_projects() -> None:
    import tomllib

    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == VERSION


def test_the_vault_knows_a_signed_take(marker: Marker) -> None:
    clip = buzz(0.5, 130, 1)
    assert is_signed(marker.file(clip, AudioFormat.FLAC, MADE_AT))
    assert not is_signed(encode(clip, AudioFormat.FLAC, marker.tags(MADE_AT)))
