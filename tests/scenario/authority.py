"""Authority: a CA of a test's own, that issues what a test asks for, good or bad, and takes it back again.

    ca = Authority(folder)
    leaf = ca.issue("good", ["mx.good.test"])                       # leaf.chain, leaf.key: files
    old = ca.issue("old", ["mx.good.test"], begins=-60, ends=-30)   # days from now
    ca.file, ca.crl([leaf]), ca.staple(leaf, "revoked")             # PEM, PEM, DER: files
    leaf.pin                                                        # "sha256:<hex>" of its public key
"""
import base64
import datetime
import functools
import hashlib
import pathlib
import subprocess

CONFIG = """[req]
distinguished_name = name
[name]
[ca]
default_ca = it
[it]
database = {0}/index
new_certs_dir = {0}
serial = {0}/serial
crlnumber = {0}/crlnumber
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
"""
EXTENSIONS = {
    "server": "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth",
    "client": "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth",
    "ca": "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\nsubjectKeyIdentifier=hash",
}


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(words)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def key_options(kind):
    """ "P-256", "rsa:2048", "ed448": as openssl's req wants it."""
    if kind.startswith("P-"):
        return ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{kind}"]
    return ["-newkey", kind]


class Certificate:
    """Files: `file` (itself), `chain` (what a server shows: itself and what it was given along), `key`."""

    def __init__(self, file, key, chain=None):
        self.file, self.key, self.chain = file, key, chain or file

    @functools.cached_property
    def digest(self):
        """SHA-256 of the public key, as TLSA 3 1 1 has it."""
        pem = openssl("x509", "-in", self.file, "-noout", "-pubkey").decode()
        return hashlib.sha256(base64.b64decode("".join(pem.strip().splitlines()[1:-1]))).hexdigest()

    @property
    def pin(self):
        return "sha256:" + self.digest


class Authority(Certificate):
    def __init__(self, folder, name="Test Root", parent=None):
        self.folder = f"{folder}/ca-{name.replace(' ', '-')}"
        pathlib.Path(self.folder).mkdir()
        for file, text in ("index", ""), ("serial", "1000\n"), ("crlnumber", "1000\n"), ("conf", CONFIG.format(self.folder)):
            pathlib.Path(self.folder, file).write_text(text)
        file, key = f"{self.folder}/ca.pem", f"{self.folder}/ca.key"
        if parent:
            made = parent.issue(name, [], kind="ca")
            file, key = made.file, made.key
        else:
            openssl("req", "-x509", *key_options("P-256"), "-nodes", "-keyout", key, "-out", file, "-days", "30",
                    "-subj", f"/CN={name}", "-addext", "keyUsage=keyCertSign,cRLSign")
        super().__init__(file, key)

    def issue(self, name, names, kind="server", key="P-256", begins=-1, ends=30, digest="sha256", along=()):
        """`along`: certificates that are shown after it."""
        base = f"{self.folder}/{name.replace(' ', '-')}"
        openssl("req", "-new", *key_options(key), "-nodes", "-keyout", base + ".key", "-out", base + ".csr", "-subj", f"/CN={name}")
        alternatives = "\nsubjectAltName=" + ",".join("DNS:" + each for each in names) if names else ""
        pathlib.Path(base + ".ext").write_text(EXTENSIONS[kind] + alternatives + "\n")
        openssl("ca", "-batch", "-notext", "-config", self.folder + "/conf", "-cert", self.file,
                "-keyfile", self.key, "-in", base + ".csr", "-out", base + ".pem",
                "-extfile", base + ".ext", "-startdate", date(begins), "-enddate", date(ends), "-md", digest)
        return self.shown(Certificate(base + ".pem", base + ".key"), base, along)

    def shown(self, certificate, base, along):
        if along:
            certificate.chain = base + ".chain.pem"
            files = [certificate.file, *(each.file for each in along)]
            pathlib.Path(certificate.chain).write_text("".join(pathlib.Path(file).read_text() for file in files))
        return certificate

    def revoke(self, certificate):
        openssl("ca", "-config", self.folder + "/conf", "-cert", self.file, "-keyfile", self.key, "-revoke", certificate.file)

    def crl(self, revoked):
        for certificate in revoked:
            self.revoke(certificate)
        openssl("ca", "-config", self.folder + "/conf", "-cert", self.file, "-keyfile", self.key, "-gencrl", "-out",
                self.folder + "/crl.pem")
        return self.folder + "/crl.pem"

    def staple(self, certificate):
        """An OCSP response about it, by what was revoked until now. Gives the octets."""
        response = certificate.file + ".ocsp"
        openssl("ocsp", "-index", self.folder + "/index", "-CA", self.file, "-rsigner", self.file, "-rkey", self.key, "-issuer",
                self.file, "-cert", certificate.file, "-ndays", "30", "-respout", response)
        return pathlib.Path(response).read_bytes()


def date(days):
    return (datetime.datetime.utcnow() + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def self_signed(folder, name, names):
    base = f"{folder}/{name}"
    openssl("req", "-x509", *key_options("P-256"), "-nodes", "-keyout", base + ".key", "-out", base + ".pem", "-days", "30",
            "-subj", f"/CN={name}", "-addext", "subjectAltName=" + ",".join("DNS:" + each for each in names))
    return Certificate(base + ".pem", base + ".key")
