# SPDX-License-Identifier: Apache-2.0
import datetime

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

key = rsa.generate_private_key(65537, 2048)
scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
key.public_key().verify(key.sign(b"text", scheme, hashes.SHA256()), b"text", scheme, hashes.SHA256())
box = Fernet(Fernet.generate_key())
print(box.decrypt(box.encrypt(b"secret")), AESGCM(b"k" * 32).encrypt(b"n" * 12, b"data", b"more").hex())
print(Scrypt(salt=b"salt", length=16, n=2**10, r=8, p=1).derive(b"word").hex())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
own, day = ec.generate_private_key(ec.SECP256R1()), datetime.datetime(2024, 1, 1)
made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(own.public_key()).serial_number(7)
made = made.not_valid_before(day).not_valid_after(day + datetime.timedelta(1)).sign(own, hashes.SHA256())
read = x509.load_pem_x509_certificate(made.public_bytes(serialization.Encoding.PEM))
print(read.subject, read.serial_number, read == made)
