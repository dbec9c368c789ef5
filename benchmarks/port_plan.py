# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the port planner takes for 1,000 to 10,000 Services, beside parsing their addresses once."""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import sys
import time
import typing as t

import netaddr

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "collections"))
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan import inputs
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.plan import plan

SIZES = (1_000, 2_000, 5_000, 10_000)
POOLS = [{"name": "lab", "addresses": ["10.64.0.0/16"]}]
Services = list[dict[str, t.Any]]


def main() -> None:
    """Prints one JSON line a case: seconds of ours and of the floor, and their ratio (medians)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="pairs to measure (default: %(default)s)")
    runs = parser.parse_args().runs
    if runs < 1:
        sys.exit("port_plan: --runs must be 1 or more")
    for name, build in {"pinned": pinned, "unpinned": unpinned, "shared": shared}.items():
        for size in SIZES:
            services = [build(number) for number in range(size)]
            # The first pair only warms the caches up.
            pairs = [(seconds(ours, services), seconds(floor, services)) for _pair in range(runs + 1)][1:]
            planned, parsed = (statistics.median(column) for column in zip(*pairs, strict=True))
            line = {"name": f"port_plan_{name}_{size}", "ours_s": round(planned, 3), "floor_s": round(parsed, 3)}
            print(json.dumps(line | {"ratio": round(planned / parsed, 2)}))


def service(number: int, port: int, **options: str) -> dict[str, t.Any]:
    return {"name": f"s{number}", "namespace": "lab", "ports": [{"port": port}], **options}


def address(number: int) -> str:
    return f"10.64.{number // 256}.{number % 256}"


def pinned(number: int) -> dict[str, t.Any]:
    """A Service on an address of its own."""
    return service(number, 80, address=address(number))


def unpinned(number: int) -> dict[str, t.Any]:
    """A Service that takes what it gets."""
    return service(number, 80)


def shared(number: int) -> dict[str, t.Any]:
    """One of many Services with the same key, whose twenty ports come again and again."""
    return service(number, 8000 + number % 20, sharing_key="k")


def ours(services: Services) -> None:
    """Reads and plans; ends the program when the plan is not whole, for there is then nothing to compare."""
    errors = InputErrors()
    read = inputs.read_services(services, errors)
    found = plan(inputs.read_pools(POOLS, {}, errors), read).as_dict()
    if errors or len(found["assignments"]) != len(services):
        sys.exit("port_plan: the plan is not whole")


def floor(services: Services) -> None:
    """Parses an address for each Service and notes that its port is taken there."""
    taken = {}
    for number, item in enumerate(services):
        for port in item["ports"]:
            taken[netaddr.IPAddress(address(number)), port["port"]] = item["name"]


def seconds(work: t.Callable[[Services], None], services: Services) -> float:
    start = time.perf_counter()
    work(services)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
