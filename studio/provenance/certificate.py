"""Whom the manifests name: the studio's own certificate, made at its first start, or one that was bought."""

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from studio.errors import StorageTrouble
from studio.settings import Settings

FILE = "c2pa.pem"  # key, certificate and its root, in the folder of the master key
LASTS = timedelta(days=20 * 365)  # nobody countersigns the time: an expired certificate ends every manifest
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, repr=False)
class Credentials:
    """A private key, its certificates (PEM, the signer's first), and the algorithm's name in C2PA.

    `anchors`: the roots that mean "this studio". `own`: made here, so no other program knows its root.
    """

    key: bytes
    chain: bytes
    anchors: str
    algorithm: str
    own: bool


def open_credentials(settings: Settings) -> Credentials:
    """The configured certificate, or the studio's own, made now if need be. StorageTrouble says what is wrong."""
    try:
        if settings.signing_certificate and settings.signing_key:
            return _read(
                settings.signing_key.read_bytes(), settings.signing_certificate.read_bytes(), own=False
            )
        if settings.signing_certificate or settings.signing_key:
            raise ValueError("certificate and key have to be set together")
        path = settings.master_key_file.parent / FILE
        if not path.exists():
            _create(path, settings.organisation)
        data = path.read_bytes()
        return _read(data, data, own=True)
    except (OSError, ValueError, TypeError) as error:
        raise StorageTrouble("provenance.certificate", reason=str(error).rstrip(".")) from error


def _read(key_pem: bytes, chain_pem: bytes, *, own: bool) -> Credentials:
    key = serialization.load_pem_private_key(key_pem, password=None)
    certificates = x509.load_pem_x509_certificates(chain_pem)
    if key.public_key() != certificates[0].public_key():
        raise ValueError("the key does not belong to the first certificate")
    if certificates[0].not_valid_after_utc < datetime.now(UTC):
        raise ValueError("the certificate has expired")
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = b"".join(one.public_bytes(_PEM) for one in certificates)
    return Credentials(private, chain, certificates[-1].public_bytes(_PEM).decode(), _algorithm(key), own)


def _algorithm(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise ValueError("the key is of a kind that C2PA does not sign with")


def _create(path: Path, organisation: str) -> None:
    """One file of mode 0400, there as a whole or not at all. The root's key is thrown away: it signs once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_made(organisation))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):  # another process was first: its file is the studio's
        os.link(temporary, path)
    temporary.unlink()


def _made(organisation: str) -> bytes:
    """Key, certificate and root. C2PA refuses self-signed signers, hence the root."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    who = organisation[:64] or "Timbro"
    issuer = _name(who, "Timbro root")
    root = (
        _draft(issuer, issuer, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _draft(_name(who, "Timbro"), issuer, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + leaf.public_bytes(_PEM) + root.public_bytes(_PEM)


def _name(organisation: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=key_cert_sign, crl_sign=crl_sign,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
