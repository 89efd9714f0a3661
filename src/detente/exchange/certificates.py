"""Self-signed TLS certificates, and the proof that a party holds the key of the one it names."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime

from detente.errors import DetenteError
from detente.exchange.note import decode64


def new_certificate() -> tuple[str, str]:
    """A self-signed certificate (P-384) to be pinned: (private key PEM, certificate PEM)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP384R1())
    # a random subject: it tells a stranger nothing, and OpenSSL looks pinned certificates up by subject
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(16))])
    cert = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        # a pinned key's life is the annex's to say, and a crisis must not hang on a wrong clock
        .not_valid_before(datetime(1970, 1, 2, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA384())
    )
    private = key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    return private.decode(), cert.public_bytes(ser.Encoding.PEM).decode()


def _claim(origin: str) -> bytes:
    return f"detente tls certificate v1\n{origin}\n".encode()


def possession(key_pem: str, origin: str) -> str:
    """A certificate's key signs the origin it speaks for: base64 of ECDSA with SHA-384, without fresh randomness."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ser.load_pem_private_key(key_pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    how = ec.ECDSA(hashes.SHA384(), deterministic_signing=True)
    return base64.b64encode(key.sign(_claim(origin), how)).decode()


def check_possession(pem: str, origin: str, proof: str, *, where: str = "certificate") -> None:
    """Raises DetenteError where `pem` is not one certificate, or its key did not sign the origin."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        (certificate,) = x509.load_pem_x509_certificates(pem.encode())
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError
    except ValueError:
        raise DetenteError("not one TLS certificate in PEM, with an elliptic key", where=where) from None
    try:
        key.verify(decode64(proof, where=where), _claim(origin), ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        raise DetenteError(
            "the certificate's key did not sign this origin: it is another's", where=where
        ) from None
