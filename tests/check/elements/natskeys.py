# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may connect to a NATS server, for tests: nkeys, JWTs and certificates
that openssl makes.

usage: natskeys.py FOLDER
Writes user.seed and user.pub (an nkey and its public key), other.seed,
ann.creds (of an account that the operator knows), eve.creds (of one that signed
itself), jwt.conf (a server that trusts the operator), ca.pem, and of server,
elsewhere (another host) and client NAME.pem, NAME.key. Status 77 without
openssl 3.
Forms: NATS' nkeys (a byte of type, key, CRC-16, base32) and JWT version 2."""
import base64
import binascii
import json
import os
import subprocess
import sys
import time

PREFIXES = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
SEED = 18 << 3
EXTENSIONS = {"server": "IP:127.0.0.1", "elsewhere": "DNS:else.example",
              "client": "DNS:client"}
CURVE = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"


def openssl(line, data=None):
    return subprocess.run(["openssl", *line.split()], input=data, check=True,
                          capture_output=True).stdout


def crc16(data):
    return binascii.crc_hqx(data, 0).to_bytes(2, "little")


def base32(data):
    return base64.b32encode(data + crc16(data)).decode().rstrip("=")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """Of an operator, an account or a user."""

    def __init__(self, folder, name, kind):
        self.file = os.path.join(folder, f"{name}.ed25519")
        openssl(f"genpkey -algorithm ed25519 -out {self.file}")
        # the key is the end of either form
        private = openssl(f"pkey -in {self.file} -outform DER")[-32:]
        public = openssl(f"pkey -in {self.file} -pubout -outform DER")[-32:]
        prefix = PREFIXES[kind]
        self.kind = kind
        self.public = base32(bytes([prefix]) + public)
        self.seed = base32(bytes([SEED | prefix >> 5, prefix << 3 & 0xff]) +
                           private)

    def sign(self, subject, name, claims):
        """A JWT of this key about another."""
        body = {"jti": name, "iat": int(time.time()), "iss": self.public,
                "name": name, "sub": subject.public,
                "nats": dict(claims, type=subject.kind, version=2)}
        text = ".".join(base64url(json.dumps(part).encode()) for part in
                        ({"typ": "JWT", "alg": "ed25519-nkey"}, body))
        with open(self.file + ".text", "w", encoding="ascii") as f:
            f.write(text)
        signature = openssl(f"pkeyutl -sign -rawin -inkey {self.file} "
                            f"-in {self.file}.text")
        return f"{text}.{base64url(signature)}"


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="ascii") as f:
        f.write(text)


def credentials(folder, name, account):
    """A file as `nsc` makes it."""
    key = Key(folder, name, "user")
    jwt = account.sign(key, name, {"pub": {}, "sub": {}, "subs": -1,
                                   "data": -1, "payload": -1})
    write(folder, f"{name}.creds",
          f"-----BEGIN NATS USER JWT-----\n{jwt}\n"
          "------END NATS USER JWT------\n\n"
          f"-----BEGIN USER NKEY SEED-----\n{key.seed}\n"
          "------END USER NKEY SEED------\n")


def make_keys(folder):
    user, other = (Key(folder, n, "user") for n in ("user", "other"))
    write(folder, "user.seed", user.seed + "\n")
    write(folder, "user.pub", user.public)
    write(folder, "other.seed", other.seed + "\n")
    operator = Key(folder, "operator", "operator")
    account, stranger, system = (Key(folder, n, "account")
                                 for n in ("account", "stranger", "system"))
    limits = {k: -1 for k in ("subs", "data", "payload", "imports", "exports",
                              "conn", "leaf")}
    preload = "\n".join(
        f"{k.public}: {operator.sign(k, n, {'limits': limits})}"
        for k, n in ((account, "account"), (system, "system")))
    write(folder, "jwt.conf",
          f"operator: {operator.sign(operator, 'operator', {})}\n"
          f"system_account: {system.public}\nresolver: MEMORY\n"
          f"resolver_preload: {{\n{preload}\n}}\n")
    credentials(folder, "ann", account)
    credentials(folder, "eve", stranger)


def make_certificates(folder):
    ca = os.path.join(folder, "ca")
    openssl(f"req -x509 {CURVE} -keyout {ca}.key -out {ca}.pem -days 2 "
            "-subj /CN=test-ca")
    for name, alternative in EXTENSIONS.items():
        at = os.path.join(folder, name)
        openssl(f"req {CURVE} -keyout {at}.key -out {at}.csr -subj /CN={name}")
        write(folder, f"{name}.ext", f"subjectAltName={alternative}\n")
        openssl(f"x509 -req -in {at}.csr -CA {ca}.pem -CAkey {ca}.key "
                f"-CAcreateserial -days 2 -extfile {at}.ext -out {at}.pem")


def main():
    try:
        if not openssl("version").startswith(b"OpenSSL 3"):
            return 77
    except OSError:
        return 77
    make_keys(sys.argv[1])
    make_certificates(sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
