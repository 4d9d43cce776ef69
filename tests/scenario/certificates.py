"""Certificates and server contexts for receivers of which nothing more is asked; see authority.py and tls_faults.py for the rest."""
import pathlib
import ssl
import subprocess


def make(folder, name="mx.test", days=30):
    """A self-signed P-256 certificate. Gives (certificate file, key file)."""
    certificate, key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
    if not pathlib.Path(certificate).exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", str(days), "-subj", f"/CN={name}",
                        "-addext", f"subjectAltName=DNS:{name}"], check=True, stderr=subprocess.DEVNULL)
    return certificate, key


def server_context(folder, name="mx.test"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make(folder, name))
    return context
