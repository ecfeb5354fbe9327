"""Writes the chart's values.schema.json: strict, so that a misspelt key is an error and not silence.

The shape is stated here once; `test_chart_values.py` compares it with values.yaml.
"""

import json
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

CHART = Path(__file__).resolve().parents[1] / "helm/oblivion"

BOOL: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
AGENT_NAME: Schema = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$"}
HOST: Schema = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"}
URL_OR_EMPTY: Schema = {"type": "string", "pattern": r"^(https?://[^\s]+)?$"}
VARIABLE: Schema = {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"}
OPEN: Schema = {"type": "object"}
STRINGS: Schema = {"type": "object", "additionalProperties": TEXT}
PERCENT: Schema = {"type": "integer", "minimum": 1, "maximum": 100}
CIDRS: Schema = {"type": "array", "items": {"type": "string", "pattern": r"^[0-9a-f.:]+/\d{1,3}$"}}
RULES: Schema = {"type": "array", "items": OPEN}
QUANTITY: Schema = {"type": "string", "pattern": r"^[0-9.]+(m|[kMGTPE]|[KMGTPE]i)?$"}


def whole(minimum: int, maximum: int | None = None) -> Schema:
    """An integer in a range."""
    return {"type": "integer", "minimum": minimum} | ({} if maximum is None else {"maximum": maximum})


def closed(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """An object with these keys and no others."""
    strict: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return strict | ({"required": list(required)} if required else {})


def listed(item: Schema, **more: Any) -> Schema:
    """A list."""
    return {"type": "array", "items": item, **more}


def one_of(*values: str) -> Schema:
    """One of these words."""
    return {"enum": list(values)}


AMOUNTS = closed(cpu={"type": ["string", "number"]}, memory=QUANTITY, **{"ephemeral-storage": QUANTITY})
RESOURCES = closed(requests=AMOUNTS, limits=AMOUNTS)
VARIABLES = listed(closed(("name",), name=TEXT, value=TEXT, valueFrom=OPEN))
SCALING = closed(
    enabled=BOOL, minReplicas=whole(1), maxReplicas=whole(1), targetCPUUtilizationPercentage=PERCENT
)  # fmt: skip
PLACEMENT: dict[str, Schema] = {
    "podAnnotations": STRINGS,
    "nodeSelector": STRINGS,
    "tolerations": RULES,
    "affinity": OPEN,
}
KEDA = closed(
    enabled=BOOL, minReplicas=whole(1), maxReplicas=whole(1), waitingPerPod=whole(1), prometheusUrl=URL_OR_EMPTY
)  # fmt: skip
IMAGE = {
    "oneOf": [
        closed(("name",), name=NAME),
        closed(
            ("repository", "tag"), repository={"type": "string", "minLength": 1}, tag={"type": "string", "minLength": 1}
        ),
    ]
}
AGENT = closed(
    ("name", "image"),
    name=AGENT_NAME,
    image=IMAGE,
    skills=listed(TEXT),
    aliases=listed(TEXT),
    replicas=whole(0),
    existingSecret=TEXT,
    command=listed(TEXT),
    args=listed(TEXT),
    env=VARIABLES,
    envFromSecrets=listed(NAME),
    resources=RESOURCES,
    persistence=closed(enabled=BOOL, size=QUANTITY, storageClassName=TEXT),
    livenessProbe=OPEN,
    terminationGracePeriodSeconds=whole(1),
    podAnnotations=STRINGS,
    nodeSelector=STRINGS,
    tolerations=RULES,
)

VALUES = closed(
    **{"global": OPEN},
    fullnameOverride={"type": "string", "pattern": "^([a-z]([-a-z0-9]{0,38}[a-z0-9])?)?$"},
    images=closed(
        registry={"type": "string", "pattern": r"^[^\s:]*(:\d+)?[^\s:]*$"},
        tag=TEXT,
        pullPolicy=one_of("IfNotPresent", "Always", "Never"),
        pullSecrets=listed(NAME),
    ),
    environment=one_of("production", "development"),
    logFormat=one_of("json", "console"),
    logLevel=one_of("DEBUG", "INFO", "WARNING", "ERROR"),
    nexus=closed(
        existingSecret=TEXT,
        qdrantUrl=URL_OR_EMPTY,
        publicUrl=URL_OR_EMPTY,
        issuer=URL_OR_EMPTY,
        corsOrigins=listed({"type": "string", "pattern": r"^https?://[^/\s]+$"}),
        trustedProxies=listed({"type": "string", "pattern": r"^[0-9a-fA-F.:]+/\d+$"}),
        requestsPerMinute=whole(1),
        embeddingsUrl=URL_OR_EMPTY,
        extraEnv=VARIABLES,
    ),
    traces=closed(
        endpoint=URL_OR_EMPTY,
        langfuseUrl=URL_OR_EMPTY,
        sampler=one_of(
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ),
        samplerArgument={"type": "string", "pattern": r"^(0(\.\d+)?|1(\.0+)?)?$"},
    ),
    gateway=closed(
        replicas=whole(0),
        autoscaling=SCALING,
        resources=RESOURCES,
        preStopSeconds=whole(0, 120),
        terminationGracePeriodSeconds=whole(45),
        priorityClassName=TEXT,
        **PLACEMENT,
    ),
    worker=closed(
        replicas=whole(0),
        autoscaling=SCALING,
        keda=KEDA,
        resources=RESOURCES,
        terminationGracePeriodSeconds=whole(45),
        priorityClassName=TEXT,
        **PLACEMENT,
    ),
    migrations=closed(
        mode=one_of("hook", "job", "off"),
        activeDeadlineSeconds=whole(1),
        backoffLimit=whole(0),
        resources=RESOURCES,
    ),
    observer=closed(
        enabled=BOOL,
        replicas=whole(0),
        image=NAME,
        existingSecret=TEXT,
        traceUrl=URL_OR_EMPTY,
        resources=RESOURCES,
        extraEnv=VARIABLES,
        **PLACEMENT,
    ),
    agents=listed(AGENT),
    agentDefaults=closed(resources=RESOURCES, terminationGracePeriodSeconds=whole(1), persistenceSize=QUANTITY),
    externalSecrets=closed(
        enabled=BOOL,
        storeName=NAME,
        storeKind=one_of("ClusterSecretStore", "SecretStore"),
        prefix={"type": "string", "pattern": "^(/[A-Za-z0-9_.-]+)*$"},
        refreshInterval={"type": "string", "pattern": r"^(\d+[smh])+$"},
        nexusKeys=listed(VARIABLE),
        observerKeys=listed(VARIABLE),
        agentKeys=listed(VARIABLE),
    ),
    ingress=closed(
        enabled=BOOL,
        className=TEXT,
        host=HOST,
        apiHost=HOST,
        annotations=STRINGS,
        tls=closed(enabled=BOOL, secretName=TEXT),
        kong=closed(enabled=BOOL, idleTimeoutMilliseconds=whole(20_000)),
    ),
    networkPolicy=closed(
        enabled=BOOL,
        ingressNamespace=NAME,
        monitoringNamespace=NAME,
        storePorts=listed(whole(1, 65_535)),
        exceptCidrs=CIDRS,
        exceptCidrs6=CIDRS,
        extraGatewayIngress=RULES,
        extraNexusEgress=RULES,
        extraAgentEgress=RULES,
    ),
    monitoring=closed(podMonitor=BOOL, rules=BOOL, runbookBaseUrl=URL_OR_EMPTY, dashboards=BOOL, labels=STRINGS),
)


def rendered() -> str:
    """The text of the file."""
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **VALUES}, indent=2) + "\n"


if __name__ == "__main__":
    (CHART / "values.schema.json").write_text(rendered(), encoding="utf-8")
