"""A private certificate authority for tests: certificates for servers and clients, good ones and others, and lists of revoked ones."""
import datetime
import ipaddress
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
LOOPBACK = ("localhost", "127.0.0.1")


def replace(path, data, mode=0o644):
    """Whole or not at all: a broker may be reading it."""
    new = path.with_suffix(".new")
    new.touch(mode=mode)
    new.write_bytes(data)
    new.rename(path)


class Pair:
    """A certificate and its key, as PEM files."""

    def __init__(self, folder, name, certificate, key):
        self.certificate, self.private = certificate, key
        self.crt, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        self.save(self.crt, self.key)

    def save(self, crt, key):
        replace(key, self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()), mode=0o600)
        replace(crt, self.certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def serial(self):
        return self.certificate.serial_number


class Authority:
    def __init__(self, folder, name="ca"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Tests' authority {name}")])
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(key_cert_sign=True, crl_sign=True, digital_signature=True, content_commitment=False, key_encipherment=False,
                              data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False)
        certificate = self._begin(self.subject, key, 365, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True) \
            .add_extension(usage, critical=True).sign(key, hashes.SHA256())
        self.own = Pair(self.folder, name, certificate, key)
        self.crt = self.own.crt

    def _begin(self, subject, key, days, issuers_key):
        """Ended that many days ago, when they are negative."""
        now = datetime.datetime.utcnow()
        return x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject).public_key(key.public_key()) \
            .serial_number(x509.random_serial_number()).not_valid_before(now - 100 * DAY).not_valid_after(now + days * DAY) \
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False) \
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key.public_key()), critical=False)

    def _issue(self, name, common_name, usage, days, names=()):
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._begin(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]), key, days, self.own.private) \
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True) \
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([
                x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]), critical=False)
        return Pair(self.folder, name, builder.sign(self.own.private, hashes.SHA256()), key)

    def server(self, name="server", names=LOOPBACK, days=90):
        return self._issue(name, names[0], ExtendedKeyUsageOID.SERVER_AUTH, days, names)

    def client(self, user, name=None, days=90):
        return self._issue(name or user, user, ExtendedKeyUsageOID.CLIENT_AUTH, days)

    def revoke(self, *pairs, name="revoked.pem", days=30):
        """The list of revoked certificates, as a file."""
        now = datetime.datetime.utcnow()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.subject).last_update(now - DAY).next_update(now + days * DAY)
        for pair in pairs:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(pair.serial).revocation_date(now - DAY).build())
        path = self.folder / name
        path.write_bytes(builder.sign(self.own.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def trusted(self, certificate=None):
        """The context of a client that trusts this authority alone, and has a certificate or none."""
        context = ssl.create_default_context(cafile=self.crt)
        if certificate:
            context.load_cert_chain(certificate.crt, certificate.key)
        return context
