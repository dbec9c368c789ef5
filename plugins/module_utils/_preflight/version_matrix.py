# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases go together: data with its sources, and the rule that reads it."""

from __future__ import annotations

import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError

if t.TYPE_CHECKING:
    from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.lab import Lab, Release
    from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.place import Parsed

Line = tuple[int, int]

# Argo CD line -> the Kubernetes lines it is tested with. From argo-cd's
# docs/operator-manual/tested-kubernetes-versions.md in the tags v3.5.1 (3.3 to 3.5) and v3.6.1 (3.6).
ARGOCD: dict[Line, tuple[Line, ...]] = {
    (3, 3): ((1, 32), (1, 33), (1, 34), (1, 35)),
    (3, 4): ((1, 32), (1, 33), (1, 34), (1, 35)),
    (3, 5): ((1, 33), (1, 34), (1, 35), (1, 36)),
    (3, 6): ((1, 34), (1, 35), (1, 36), (1, 37)),
}

# MetalLB line -> the oldest Kubernetes line it runs on. From metallb's charts/metallb/Chart.yaml (kubeVersion) in the
# tag v0.15.2. The port plan models the allocator of this line only: 0.16 chooses addresses by other rules.
METALLB: dict[Line, Line] = {
    (0, 15): (1, 19),
}

# The Kubernetes lines that a K3s release may have: those that this collection's manifests and Argo CD's lines are for.
KUBERNETES: tuple[Line, ...] = tuple(sorted({line for lines in ARGOCD.values() for line in lines}))


def releases_go_together(lab: Lab) -> t.Iterator[InputError]:
    """Argo CD and MetalLB are of lines that go with the Kubernetes that the K3s release brings."""
    k3s = lab.releases.get("k3s_version")
    argocd = lab.releases.get("argocd_version")
    metallb = lab.releases.get("metallb_version")
    if k3s and k3s.value.line not in KUBERNETES:
        yield k3s.error(f"a release of Kubernetes {_lines(KUBERNETES)}")
    if argocd and argocd.value.line not in ARGOCD:
        yield argocd.error(f"a release of Argo CD {_lines(ARGOCD)}")
    if metallb and metallb.value.line not in METALLB:
        yield metallb.error(f"a release of MetalLB {_lines(METALLB)}")
    if k3s and argocd:
        yield from _argocd_on_kubernetes(argocd, k3s)
    if k3s and metallb and k3s.value.line < METALLB.get(metallb.value.line, (0, 0)):
        oldest = _name(METALLB[metallb.value.line])
        yield metallb.error(f"with k3s_version {k3s.value.tag}: this MetalLB needs Kubernetes {oldest} or later")


def _argocd_on_kubernetes(argocd: Parsed[Release], k3s: Parsed[Release]) -> t.Iterator[InputError]:
    tested = ARGOCD.get(argocd.value.line)
    if not tested or k3s.value.line not in KUBERNETES or k3s.value.line in tested:
        return
    fitting = [line for line, kubernetes in ARGOCD.items() if k3s.value.line in kubernetes]
    yield argocd.error(
        f"with k3s_version {k3s.value.tag} a release of Argo CD {_lines(fitting)}; Argo CD {_name(argocd.value.line)}"
        f" is tested with Kubernetes {_lines(tested)}"
    )


def versions(lab: Lab) -> dict[str, str]:
    """The declared releases by name, for the report, and the Kubernetes line that the K3s release brings."""
    tags = {name.removesuffix("_version"): release.value.tag for name, release in lab.releases.items()}
    return tags | {"kubernetes": _name(lab.releases["k3s_version"].value.line)}


def _lines(lines: t.Iterable[Line]) -> str:
    return ", ".join(_name(line) for line in lines)


def _name(line: Line) -> str:
    return f"{line[0]}.{line[1]}"
