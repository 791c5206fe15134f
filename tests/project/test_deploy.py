"""The container image, compose file, systemd unit and Kubernetes manifests: they agree with the app and with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from rag.cli.main import app
from rag.config import _OTHERS, ServerSettings, Settings
from rag.documents.load import largest
from tests.helpers import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
MANIFESTS = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "shawahid.yaml").read_text(encoding="utf-8")))
UNIT = (ROOT / "deploy" / "shawahid.service").read_text(encoding="utf-8")
KNOWN = {f"SHAWAHID_{each.name.upper()}" for each in (*fields(Settings), *fields(ServerSettings))} | {
    f"SHAWAHID_{name}" for name in _OTHERS
}


def manifest(kind: str, name: str) -> Any:
    return next(each for each in MANIFESTS if (each["kind"], each["metadata"]["name"]) == (kind, name))


def container(kind: str, name: str) -> Any:
    (found,) = manifest(kind, name)["spec"]["template"]["spec"]["containers"]
    return found


@pytest.mark.parametrize("path", ["Dockerfile", "compose.yaml", "deploy/kubernetes/shawahid.yaml", "deploy/shawahid.service"])
def test_every_variable_is_a_setting(path: str) -> None:
    used = set(re.findall(r"SHAWAHID_[A-Z_]+", (ROOT / path).read_text(encoding="utf-8")))
    assert used
    assert used <= KNOWN


def test_the_image_has_the_command_and_neither_compiler_nor_language_model() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert 'ENTRYPOINT ["shawahid"]' in final
    assert 'CMD ["serve"]' in final
    assert "serve" in {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert "build-essential" not in DOCKERFILE
    assert "g++" not in DOCKERFILE
    assert "llama-cpp-python" not in (ROOT / "requirements.hashes.lock").read_text(encoding="utf-8").replace("and llama-cpp-python", "")
    assert "SHAWAHID_GENERATOR=none" in final
    assert "download.pytorch.org/whl/cpu" in DOCKERFILE
    installed = [line.rstrip("\\").split()[-1] for line in re.findall(r"pip\sinstall (.+)$", DOCKERFILE, re.M)]
    assert installed == ["torch.lock", "requirements.hashes.lock", "build.lock", "/wheel/*.whl"]
    assert re.findall(r"requirements\.lock > (\S+)", DOCKERFILE) == ["torch.lock"]  # from the versions that are kept here
    assert "USER 1000" in final
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M) for word in line.split()[:-1]}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert all((ROOT / path).exists() and f"!{path}" in ignored for path in copied)


def test_the_health_check_asks_a_path_that_answers_without_a_password() -> None:
    from rag.server import authentication

    assert "/healthz" in Path(authentication.__file__).read_text(encoding="utf-8")
    assert "http://127.0.0.1:7860/healthz" in DOCKERFILE
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container("StatefulSet", "shawahid")[probe]["httpGet"] == {"path": "/healthz", "port": "http"}


def test_ports_and_places_agree() -> None:
    assert Settings().port == 7860
    assert "EXPOSE 7860" in DOCKERFILE
    places = dict(re.findall(r"SHAWAHID_(MODELS|INDEX|DATA)=(\S+)", DOCKERFILE))
    assert 'VOLUME ["/models", "/index", "/data"]' in DOCKERFILE
    app_container = container("StatefulSet", "shawahid")
    assert app_container["ports"][0]["containerPort"] == 7860
    assert set(places.values()) <= {mount["mountPath"] for mount in app_container["volumeMounts"]}
    for name in ("app1", "app2"):
        assert [volume.split(":")[1] for volume in COMPOSE["services"][name]["volumes"]] == ["/models", "/index", "/data"]
    own = [COMPOSE["services"][name]["volumes"][2] for name in ("app1", "app2")]
    assert len(set(own)) == 2  # each copy keeps what its readers add
    assert set(COMPOSE["volumes"]) == {volume.split(":")[0] for volume in own}
    balancer = COMPOSE["configs"]["balancer"]["content"]
    assert "server app1:7860; server app2:7860;" in balancer
    assert dict(re.findall(r"SHAWAHID_(MODELS|INDEX|DATA)=(\S+)", UNIT)).keys() == places.keys()


def test_the_balancers_are_believed_about_their_clients() -> None:
    """Without that all clients share one address, and wrong passwords of one slow down all."""
    assert "proxy_set_header X-Forwarded-For $$remote_addr;" in COMPOSE["configs"]["balancer"]["content"]
    environments = [COMPOSE["services"][name]["environment"] for name in ("app1", "app2")]
    environments.append({each["name"]: each.get("value", "") for each in container("StatefulSet", "shawahid")["env"]})
    for environment in environments:
        access = ServerSettings.load({"SHAWAHID_PROXIES": environment["SHAWAHID_PROXIES"]})
        assert access.proxies
        assert all(ip_network(each).is_private for each in access.proxies)
    assert all("ports" not in COMPOSE["services"][name] for name in ("app1", "app2"))  # nobody else reaches them


def test_upload_limits_agree() -> None:
    """What the app takes, a PDF of four times the limit, passes every balancer, with what a form adds."""
    taken = largest(".pdf", Settings().max_file_mb * 2**20)
    limits = {
        "nginx": re.search(r"client_max_body_size (\d+)m;", COMPOSE["configs"]["balancer"]["content"]),
        "ingress": re.fullmatch(
            r"(\d+)m", manifest("Ingress", "shawahid")["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
        ),
    }
    for name, limit in limits.items():
        assert limit is not None, name
        assert taken < int(limit[1]) * 2**20 <= taken + 8 * 2**20, name


def test_what_the_manifests_name_is_there() -> None:
    claims = {each["metadata"]["name"] for each in MANIFESTS if each["kind"] == "PersistentVolumeClaim"}
    for kind, name in (("Deployment", "shawahid-generator"), ("StatefulSet", "shawahid")):
        spec = manifest(kind, name)["spec"]
        pod = spec["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        volumes |= {each["metadata"]["name"]: each for each in spec.get("volumeClaimTemplates", ())}
        assert {volume["persistentVolumeClaim"]["claimName"] for volume in volumes.values() if "persistentVolumeClaim" in volume} <= claims
        (one,) = pod["containers"]
        assert {mount["name"] for mount in one["volumeMounts"]} == set(volumes)
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"] == manifest("Service", name)["spec"]["selector"]
        assert one["securityContext"]["allowPrivilegeEscalation"] is False
    address = next(env["value"] for env in container("StatefulSet", "shawahid")["env"] if env["name"] == "SHAWAHID_GENERATOR")
    port = manifest("Service", "shawahid-generator")["spec"]["ports"][0]["port"]
    assert address == f"http://shawahid-generator:{port}/v1#generator"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("hadolint", ["Dockerfile"]),
        ("kubernetes-validate", ["--strict", "deploy/kubernetes/shawahid.yaml"]),
        ("systemd-analyze", ["verify", "{unit}"]),
    ],
)
def test_their_own_linters_find_nothing(tool: str, arguments: list[str], tmp_path: Path) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    unit = tmp_path / "shawahid.service"  # with a command that exists, and an identifier for the documentation
    unit.write_text(UNIT.replace("/opt/shawahid/bin/shawahid", "/bin/true"), encoding="utf-8")
    command = [tool, *(argument.format(unit=unit) for argument in arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = [line for line in f"{done.stdout}{done.stderr}".splitlines() if tool != "systemd-analyze" or "shawahid" in line]
    assert done.returncode == 0, said
    assert tool != "systemd-analyze" or said == []
