# docker buildx bake -f infra/images/docker-bake.hcl              every image, for this machine, into its Docker
# docker buildx bake -f infra/images/docker-bake.hcl release      for amd64 and arm64, with SBOM and provenance, pushed
#
# The base images are named in one line of each Dockerfile, where Dependabot finds them (it reads no variable and no
# HCL); a test sees to it that all name the same. To pin one by digest, write what
# `docker buildx imagetools inspect python:3.11.15-slim-bookworm` prints as Digest behind the tag (…-bookworm@sha256:…);
# Dependabot then moves both. A company's own mirror: --set '*.contexts.python:3.11.15-slim-bookworm=docker-image://…'.
#
# Behind a registry of packages of your own: --set '*.secrets=id=pip,src=pip.conf' --set '*.secrets+=id=npm,src=npmrc'
# --set '*.secrets+=id=ca,src=ca.crt' (both files name the last one as /run/secrets/ca). Secrets stay out of the images.

variable "REGISTRY" {
  default = "localhost/oblivion"
}

variable "TAG" {
  default = "dev"
}

variable "VERSION" {
  default = TAG
}

variable "REVISION" {
  default = "unknown"
}

variable "SOURCE" {
  default = ""
}

# Where layers are kept between runs of CI, such as "type=gha"; nowhere by default.
variable "CACHE" {
  default = ""
}

group "default" {
  targets = ["nexus", "observer", "agent-base", "agent-reference", "sandbox"]
}

# What a cluster on a laptop needs.
group "local" {
  targets = ["nexus", "observer-local", "sandbox"]
}

# What is published: the sandbox is not.
group "release" {
  targets = ["nexus-release", "observer-release", "agent-base-release", "agent-reference-release"]
}

target "_image" {
  context = "."
  args = {
    VERSION  = VERSION
    REVISION = REVISION
    SOURCE   = SOURCE
  }
}

target "_release" {
  platforms = ["linux/amd64", "linux/arm64"]
  attest    = ["type=sbom", "type=provenance,mode=max"]
  output    = ["type=registry"]
}

target "nexus" {
  inherits   = ["_image"]
  dockerfile = "infra/images/nexus/Dockerfile"
  tags       = ["${REGISTRY}/nexus:${TAG}"]
  cache-from = CACHE == "" ? [] : ["${CACHE},scope=nexus"]
  cache-to   = CACHE == "" ? [] : ["${CACHE},scope=nexus,mode=max"]
}

target "observer" {
  inherits   = ["_image"]
  dockerfile = "infra/images/observer/Dockerfile"
  tags       = ["${REGISTRY}/observer:${TAG}"]
  cache-from = CACHE == "" ? [] : ["${CACHE},scope=observer"]
  cache-to   = CACHE == "" ? [] : ["${CACHE},scope=observer,mode=max"]
}

# Has the sign-in without a password: for a cluster on a laptop, never published.
target "observer-local" {
  inherits = ["observer"]
  args     = { OBSERVER_LOCAL = "1" }
  tags     = ["${REGISTRY}/observer-local:${TAG}"]
}

target "agent-base" {
  inherits   = ["_image"]
  dockerfile = "infra/images/agent-base/Dockerfile"
  tags       = ["${REGISTRY}/agent-base:${TAG}"]
  cache-from = CACHE == "" ? [] : ["${CACHE},scope=agent-base"]
  cache-to   = CACHE == "" ? [] : ["${CACHE},scope=agent-base,mode=max"]
}

target "agent-reference" {
  inherits   = ["_image"]
  dockerfile = "infra/images/agent-reference/Dockerfile"
  tags       = ["${REGISTRY}/agent-reference:${TAG}"]
  cache-from = CACHE == "" ? [] : ["${CACHE},scope=agent-reference"]
  cache-to   = CACHE == "" ? [] : ["${CACHE},scope=agent-reference,mode=max"]
}

target "sandbox" {
  inherits   = ["_image"]
  dockerfile = "infra/images/sandbox/Dockerfile"
  tags       = ["${REGISTRY}/sandbox:${TAG}"]
  cache-from = CACHE == "" ? [] : ["${CACHE},scope=sandbox"]
  cache-to   = CACHE == "" ? [] : ["${CACHE},scope=sandbox,mode=max"]
}

target "nexus-release" {
  inherits = ["nexus", "_release"]
}

target "observer-release" {
  inherits = ["observer", "_release"]
}

target "agent-base-release" {
  inherits = ["agent-base", "_release"]
}

target "agent-reference-release" {
  inherits = ["agent-reference", "_release"]
}
