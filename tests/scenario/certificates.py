"""Certificates and server contexts for the receivers, made at test time."""
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


def make_rsa(folder, name="rsa.test"):
    certificate, key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
    if not pathlib.Path(certificate).exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "30", "-subj", f"/CN={name}"], check=True, stderr=subprocess.DEVNULL)
    return certificate, key


def server_context(folder, name="mx.test", rsa=False, ciphers=None, maximum=None, minimum=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*(make_rsa(folder) if rsa else make(folder, name)))
    if ciphers:
        context.set_ciphers(ciphers)
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    return context
