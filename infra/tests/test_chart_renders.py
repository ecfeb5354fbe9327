"""Every values file, with helm 3 and 4: it lints, it renders, Kubernetes knows what it is, `restricted` lets it in."""

import copy
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pod_security import violations
from rendering import CHART, HELMS, PROFILES, REGISTRY, found, objects, pods, rendered, run

VERSIONS = ("1.34", "1.35", "1.36", "1.37")
CUSTOM = {
    "configuration.konghq.com/v1beta1": {"KongUpstreamPolicy"},
    "external-secrets.io/v1": {"ExternalSecret"},
    "keda.sh/v1alpha1": {"ScaledObject"},
    "monitoring.coreos.com/v1": {"PodMonitor", "PrometheusRule"},
}
"""Kinds that need somebody's CRDs; the validator does not know them and would pass anything."""


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("profile", PROFILES)
def test_it_lints(helm: str, profile: str) -> None:
    run(helm, "lint", str(CHART), "--strict", "--set", f"images.registry={REGISTRY}", values=PROFILES[profile])


@pytest.mark.parametrize("profile", PROFILES)
def test_helm_3_and_4_render_the_same(profile: str) -> None:
    assert [*objects(profile, "helm3")] == [*objects(profile, "helm4")]
    assert len(objects(profile)) > 5


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("profile", PROFILES)
def test_kubernetes_knows_every_field(profile: str, version: str) -> None:
    for one in objects(profile):
        if one["apiVersion"] in CUSTOM:
            assert one["kind"] in CUSTOM[one["apiVersion"]]
        else:
            kubernetes_validate.validate(one, version, strict=True)


def test_the_validator_refuses_a_misspelt_field() -> None:
    wrong = copy.deepcopy(found("production", "Deployment", "oblivion-gateway"))
    wrong["spec"]["template"]["spec"]["terminationGracePeriod"] = 60
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_pod_is_let_in_by_restricted(profile: str) -> None:
    said = {name: problems for name, template in pods(profile) if (problems := violations(template))}
    assert said == {}
    names = {name for name, _ in pods(profile)}
    assert {"Deployment/oblivion-gateway", "Deployment/oblivion-worker", "Pod/oblivion-test"} <= names
    assert any(name.startswith("Job/oblivion-migrate") for name in names)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "hostNetwork"), True),
        (("spec", "securityContext", "runAsUser"), 0),
        (("spec", "securityContext", "seccompProfile", "type"), "Unconfined"),
        (("spec", "automountServiceAccountToken"), True),
        (("spec", "enableServiceLinks"), True),
        (("spec", "containers", 0, "securityContext", "capabilities", "drop"), []),
        (("spec", "containers", 0, "securityContext", "allowPrivilegeEscalation"), True),
        (("spec", "containers", 0, "securityContext", "readOnlyRootFilesystem"), False),
        (("spec", "containers", 0, "resources", "limits"), {}),
        (("spec", "volumes", 0), {"name": "tmp", "hostPath": {"path": "/"}}),
    ],
)
def test_what_restricted_forbids_is_noticed(path: tuple[Any, ...], value: Any) -> None:
    template = copy.deepcopy(dict(pods("production"))["Deployment/oblivion-gateway"])
    assert violations(template) == []
    inner = template
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert len(violations(template)) == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_no_object_is_made_twice_and_all_bear_the_labels(profile: str) -> None:
    keys = [(one["kind"], one["metadata"]["name"]) for one in objects(profile)]
    assert len(keys) == len(set(keys))
    for one in objects(profile):
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "oblivion"
        assert "namespace" not in one["metadata"], "the release's namespace is helm's business"


def test_another_release_shares_no_name_and_selects_no_pod_of_the_first() -> None:
    values = PROFILES["everything"]
    text = run(
        "helm4", "template", "second", str(CHART), "--set", f"images.registry={REGISTRY}", values=values
    )  # fmt: skip
    others = [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]
    keys = {(one["kind"], one["metadata"]["name"]) for one in objects("everything")}
    assert not keys & {(one["kind"], one["metadata"]["name"]) for one in others}
    assert "instance: oblivion" not in text


@pytest.mark.parametrize("profile", PROFILES)
def test_no_secret_is_in_a_manifest(profile: str) -> None:
    assert not [one for one in objects(profile) if one["kind"] == "Secret"]
    for line in rendered(profile).splitlines():
        assert "obl_sk_" not in line and "xoxb-" not in line
