"""What docker/'s files say of each other. That they work is shown by tests/containers/run, by hand."""
import os
import re
import stat
import subprocess

import pytest

from harness import ROOT

pytestmark = pytest.mark.profile("embedded")
DOCKER = ROOT / "docker"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="files are given to the containers' users")


def make_secrets(folder, *arguments):
    done = subprocess.run([DOCKER / "make-secrets", "--folder", folder, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def files(folder):
    return {str(path.relative_to(folder)): (path.stat(), path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@needs_root
def test_make_secrets_makes_every_file_compose_names(tmp_path):
    named = re.findall(r'file: "\$\{PARLEY_SECRETS:-./secrets\}/([^"]+)"', (DOCKER / "compose.yaml").read_text())
    assert len(named) >= 8
    make_secrets(tmp_path / "secrets")
    made = files(tmp_path / "secrets")
    assert set(named) | {"tls/server.crt", "tls/server.key", "tls/ca.crt"} <= made.keys()
    for name, (info, _) in made.items():
        if not name.startswith(("tls/", "ca/")):
            assert info.st_uid != 0 and stat.S_IMODE(info.st_mode) == 0o400, name
    assert stat.S_IMODE(made["tls/server.key"][0].st_mode) == 0o400
    assert "tls/ca.key" not in made, "the broker's folder has the authority's key"
    tls = tmp_path / "secrets/tls"  # as strict as clients of today: Python 3.13
    subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", tls / "ca.crt", tls / "server.crt"], check=True)


@needs_root
def test_make_secrets_changes_nothing_that_is_there(tmp_path):
    make_secrets(tmp_path, "--name", "chat.example.org")
    before = files(tmp_path)
    make_secrets(tmp_path)
    assert {name: content for name, (_, content) in files(tmp_path).items()} == {name: content for name, (_, content) in before.items()}


@needs_root
def test_make_secrets_leaves_a_public_certificate_alone(tmp_path):
    make_secrets(tmp_path)
    for name in ("server.crt", "server.key"):
        (tmp_path / "tls" / name).unlink()
        (tmp_path / "tls" / name).write_text(f"a public authority's {name}")
    make_secrets(tmp_path)
    assert (tmp_path / "tls/server.key").read_text() == "a public authority's server.key"
    assert (tmp_path / "tls/server.crt").read_text() == "a public authority's server.crt"
    assert stat.S_IMODE((tmp_path / "tls/server.key").stat().st_mode) == 0o400


def test_users_are_the_same_in_dockerfile_and_secrets():
    users = set(re.findall(r"^USER (\d+):\d+", (DOCKER / "Dockerfile").read_text(), re.M))
    owners = dict(re.findall(r"\[(\w+)\]=(\d+)", (DOCKER / "make-secrets").read_text()))
    assert users == {owners["broker"], owners["parleyd"]}


def test_the_sample_has_what_the_image_changes_in_it():
    """Dockerfile opens these listeners to the other containers, and says where secrets are; elsewhere the sample's paths hold."""
    sample = (DOCKER / "mosquitto.conf").read_text()
    for line in ("listener 1883 127.0.0.1", "listener 8080 127.0.0.1", "plugin_opt_backend_secret_file /etc/parley/backend.secret",
                 "plugin /usr/lib/parley/mosquitto_parley.so", "plugin_opt_data_dir /var/lib/parley/broker",
                 "persistence_location /var/lib/mosquitto/"):
        assert line in sample.splitlines(), line
