"""Makes the certificates: a certificate authority (CA) of this machine alone, and leaves that it signs.

Keys are EC P-256. The CA can sign for nothing but the names and addresses in its name constraints (RFC 5280,
4.2.1.10), so that whoever trusts it, and loses its key, trusts nobody on the internet with it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

CA_LIFE = timedelta(days=3652)
LEAF_LIFE = timedelta(days=397)  # browsers refuse more than 398
_SKEW = timedelta(hours=1)  # a client whose clock is behind
_PRIVATE = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7",
    "fe80::/10",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    def pem(self, *chain: x509.Certificate) -> bytes:
        """The key, the certificate and what follows it, in PEM."""
        from cryptography.hazmat.primitives import serialization

        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificates = (self.certificate, *chain)
        return key + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def make_ca(names: Iterable[str], label: str, now: datetime) -> Issued:
    """A CA for these names and addresses, this machine and private networks; `label` tells it from others."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    networks = {ipaddress.ip_network(one) for one in _PRIVATE}
    domains = set()
    for name in names:
        address = as_address(name)
        if address is None:
            domains.add(name)
        elif not any(address in network for network in networks):
            networks.add(ipaddress.ip_network(address))
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted(domains)]
    permitted += [x509.IPAddress(network) for network in sorted(networks, key=str)]
    usage = x509.KeyUsage(
        digital_signature=False, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    subject = _name(f"skycap CA {label}")
    builder = _begin(subject, subject, key, now, now + CA_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.NameConstraints(permitted, None), critical=True)
    return _sign(builder, key, key)


def make_leaf(ca: Issued, names: Iterable[str], now: datetime) -> Issued:
    """A certificate for a server of these names and addresses, all of which the CA must permit."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    known: list[x509.GeneralName] = []
    for name in names:
        address = as_address(name)
        known.append(x509.DNSName(name) if address is None else x509.IPAddress(address))
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=False, crl_sign=False, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    builder = _begin(_name("skycap server"), ca.certificate.subject, key, now, now + LEAF_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(known), critical=False)
    return _sign(builder, key, ca.key)


def permits(ca: x509.Certificate, name: str) -> bool:
    """Whether this CA may sign for a name or an address."""
    from cryptography import x509

    allowed = ca.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    address = as_address(name)
    for one in allowed:
        if isinstance(one, x509.DNSName) and address is None:
            if name == one.value or name.endswith(f".{one.value}"):
                return True
        elif isinstance(one, x509.IPAddress) and address is not None and _within(address, one.value):
            return True
    return False


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses a certificate is for."""
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(address) for address in found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def as_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, or None if it is a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: object) -> bool:
    return isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network) and address in network


def _name(common: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "skycap"),
            x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
        ]
    )


def _begin(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _sign(
    builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey, signer: EllipticCurvePrivateKey
) -> Issued:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(issuer, critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()), key)
