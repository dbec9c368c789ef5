# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from a cluster what the planner needs: Services, namespaces and IPAddressPools."""

from __future__ import annotations

import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.live import Cluster, cluster_of

_TIMEOUT_SECONDS = 15


class ClusterError(Exception):
    """The cluster could not be read; the message says which cluster and why."""


def read_cluster(kubeconfig: str | None, context: str | None, metallb_namespace: str, errors: InputErrors) -> Cluster:
    """The cluster that a kubeconfig (the default one when None) and a context lead to.

    Without MetalLB's custom resources it has no pools. IPAddressPools that MetalLB refuses become ``errors``. Raises
    ClusterError.
    """
    try:
        # Planning without a cluster need not wait for this large library.
        import kubernetes
        import urllib3
    except ImportError as error:
        raise ClusterError(f"Ansible's Python lacks a library that reads clusters: {error}") from error
    api: t.Any = kubernetes
    try:
        client = api.config.new_client_from_config(kubeconfig, context)
        core = api.client.CoreV1Api(client)
        services = core.list_service_for_all_namespaces(_request_timeout=_TIMEOUT_SECONDS)
        namespaces = core.list_namespace(_request_timeout=_TIMEOUT_SECONDS)
        pools = _pools(api.client, client, metallb_namespace)
    except api.client.ApiException as error:
        raise ClusterError(f"the cluster refused to be read: {error.status} {error.reason}") from error
    except (api.config.ConfigException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise ClusterError(f"the cluster cannot be read (kubeconfig {kubeconfig or 'default'}): {error}") from error
    plain: t.Callable[[t.Any], dict[str, t.Any]] = client.sanitize_for_serialization
    return cluster_of(plain(services)["items"], pools, plain(namespaces)["items"], errors)


def _pools(api: t.Any, client: t.Any, namespace: str) -> list[dict[str, t.Any]]:
    """The IPAddressPools; none where the API does not know the kind."""
    kind = ("metallb.io", "v1beta1", namespace, "ipaddresspools")
    try:
        found = api.CustomObjectsApi(client).list_namespaced_custom_object(*kind, _request_timeout=_TIMEOUT_SECONDS)
    except api.ApiException as error:
        if error.status == 404:
            return []
        raise
    return t.cast("list[dict[str, t.Any]]", found["items"])
